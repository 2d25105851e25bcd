/**
 * The command line as a person types it in the project folder. Hints, help and examples begin with it, so that
 * they can be pasted.
 */
export const RETRAIN = 'npx retrain';
