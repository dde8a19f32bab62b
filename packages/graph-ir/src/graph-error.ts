/** A graph, a file or an architecture that is not what it should be; the message names the operator or field. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}
