#!/usr/bin/env node
// The command's entry, a file of its own so that package managers can link it before the package is built.
import '../dist/main.js';
