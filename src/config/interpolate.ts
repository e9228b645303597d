import { SluiceError } from '../errors/sluice-error.ts';

/**
 * Replaces `${NAME}` by the environment variable of that name; `$${` stands for a literal `${`. The value is inserted as it is, so
 * a password with characters such as `@` or `/` must be percent-encoded in the variable or given by PGPASSWORD or .pgpass.
 * @param where what uses the variable, for the message: `connections.shop`
 * @throws SluiceError VARIABLE_UNSET naming the variable, never a value
 */
export function interpolate(text: string, env: NodeJS.ProcessEnv, where: string): string {
  return text.replace(/\$\$\{|\$\{([^}]*)\}/g, (whole, name: string | undefined) => {
    if (whole === '$${') return '${';
    const value = env[name!];
    if (value === undefined) throw new SluiceError('VARIABLE_UNSET', { variable: name, where });
    return value;
  });
}
