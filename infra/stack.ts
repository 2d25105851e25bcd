export { stackEnv, type StackEnv } from './addresses.ts';
export { stackDown } from './down.ts';
export { DEFAULT_PORTS, portVariable, type Ports } from './ports.ts';
export { stackStatus } from './status.ts';
export type {
  PartName,
  PartStatus,
  Report,
  S3Kind,
  StackEvent,
  StackOptions,
  UpOptions,
} from './types.ts';
export { stackUp } from './up.ts';
