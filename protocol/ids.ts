declare const taskId: unique symbol;
/** Identifies a task within one process, for its whole life; never reused. */
export type TaskId = number & { readonly [taskId]: never };

declare const resourceId: unique symbol;
/** Identifies a resource within one process, for its whole life. */
export type ResourceId = number & { readonly [resourceId]: never };
