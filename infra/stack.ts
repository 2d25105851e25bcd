/** What the rest of the project may ask of the local stack. */
export { stackEnv } from './addresses.ts';
export {
  hasData,
  packFolder,
  placeDatabases,
  removeData,
  saveDatabase,
  unpackInto,
} from './backup.ts';
export { stackDown } from './down.ts';
export type { Ports } from './ports.ts';
export { stackStatus } from './status.ts';
export { stackUp } from './up.ts';
export { useStack } from './use-stack.ts';
