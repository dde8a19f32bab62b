// Modules of tfjs-core's npm package that are imported for what they register.
declare module 'tfjs-core-dist/*';
