import { connectionContracts } from './connections.ts';
import { fileContracts } from './files.ts';
import { monitorContracts } from './monitor.ts';
import { repositoryContracts } from './repositories.ts';
import type { RouteContract } from './route-contract.ts';
import { runContracts } from './runs.ts';
import { sessionContracts } from './session.ts';
import { systemContracts } from './system.ts';
import { transferContracts } from './transfers.ts';

/** Every route of the server. One that is not here is neither served nor described nor tested. */
export const ALL_CONTRACTS: readonly RouteContract[] = [...systemContracts, ...sessionContracts, ...connectionContracts, ...fileContracts, ...repositoryContracts, ...runContracts, ...monitorContracts, ...transferContracts];
