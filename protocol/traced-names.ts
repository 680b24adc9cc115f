/**
 * How the names begin that the tracer gives to variables of its own in the text of a program: debuggers need not show
 * them. A program that uses such names itself makes them longer.
 */
export const tracedNames = "$unknot";
