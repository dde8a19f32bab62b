"""Loads each file strictly into the network that it is for, and lets that network answer once.

Reads a JSON list of {"network", "file", "options"} on standard input; prints a JSON list of what went wrong, null where nothing did."""
import json
import sys

import torch
import torchvision
import transformers
from safetensors.torch import load_file


def model_of(network, options):
    if hasattr(torchvision.models, network):
        return getattr(torchvision.models, network)(**options)
    config = transformers.CONFIG_MAPPING[options["model_type"]].from_dict(options)
    return getattr(transformers, network)(config)


def answer(model, options):
    model.eval()
    with torch.no_grad():
        if "vocab_size" in options:
            return model(torch.tensor([[1, 2, 3]])).logits
        side = options.get("image_size", 64)
        found = model(torch.zeros(1, 3, side, side))
        return found if isinstance(found, torch.Tensor) else found.logits


def trouble(network, file, options):
    try:
        model = model_of(network, options)
        tensors = load_file(file)
        model.load_state_dict(tensors, strict=True)
        state = model.state_dict()
        for name, tensor in tensors.items():
            if not torch.equal(state[name].float(), tensor.float()):
                return f"{name} is not what the file has"
        if not torch.isfinite(answer(model, options)).all():
            return "the answer is not finite"
        return None
    except Exception as error:  # what went wrong is the result
        return f"{type(error).__name__}: {error}"


json.dump([trouble(**case) for case in json.load(sys.stdin)], sys.stdout)
