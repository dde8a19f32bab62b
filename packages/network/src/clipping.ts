// Clipping of gradients by their norm.

/** What gradients of this global norm are multiplied with so that it is at most `limit`, as PyTorch's `clip_grad_norm_` does. */
export const clipScale = (norm: number, limit: number): number => Math.min(1, limit / (norm + 1e-6));
