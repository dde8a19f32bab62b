// One example for each command, which its help ends with.

export const EXAMPLES: Readonly<Record<string, string>> = {
  graph: 'logah graph resnet50 --svg resnet50.svg',
  predict: 'logah predict vit-s:patch=4 --out vit-s.safetensors',
  init: 'logah init vit:layers=6,heads=4,hidden=96,mlp=384,patch=4 --init mimetic:position=1.5 --out vit.safetensors',
  diff: 'logah diff vit-s vit-s:layers=6 --out difference.html',
  info: 'logah info vits-cifar10',
  convert: 'logah convert resnet50 resnet50.graph.json',
  dataset: 'logah dataset vits-1k --out vits-1k.jsonl',
  train: 'logah train --variant template-tiny --patch 4 --data cifar10 --data-dir DIR --out run',
  eval: 'logah eval vit-s:patch=4 --init random,mimetic:position=1.5 --data cifar10 --data-dir DIR',
  quickstart: 'logah quickstart --steps 1000',
  completion: 'logah completion bash > ~/.local/share/bash-completion/completions/logah',
};
