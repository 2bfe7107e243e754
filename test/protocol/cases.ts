import { flowCases } from './flow-cases.ts';
import { lifeCases } from './life-cases.ts';
import { refusalCases } from './refusal-cases.ts';
import { scenarioCases } from './scenario-cases.ts';

/** The one table that every client is put through. */
export const cases = [...scenarioCases, ...flowCases, ...lifeCases, ...refusalCases];
