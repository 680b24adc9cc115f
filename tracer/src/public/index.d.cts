/**
 * Labels the task that is running, and with it the tasks that it starts, in every dump: `label({ request: id })`. Does
 * nothing outside of an async function and in a program that is not traced. Values are cut after 200 characters.
 */
export declare function label(labels: Readonly<Record<string, string>>): void;
