// Pictures of the views, to be looked at: `node test/e2e/screenshots.ts [folder]`, after `npm run build`. The program
// in them is examples/; the one in the README is docs/images/task-dump.png.
