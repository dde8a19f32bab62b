"""Loads each file strictly into the network that it is for, and lets that network answer once.

Reads a JSON list of {"network", "file", "options"} on standard input, with "folder" for from_pretrained; prints a JSON list of what went wrong, null where nothing did."""
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


def loaded(network, file, options):
    model = model_of(network, options)
    tensors = load_file(file)
    model.load_state_dict(tensors, strict=True)
    state = model.state_dict()
    for name, tensor in tensors.items():
        if not torch.equal(state[name].float(), tensor.float()):
            raise ValueError(f"{name} is not what the file has")
    return model


def pretrained(network, folder):
    """For models whose names in files are others than in memory: nothing may be missing or left over."""
    model, info = getattr(transformers, network).from_pretrained(folder, output_loading_info=True)
    if any(info.values()):
        raise ValueError(str(info))
    total = sum(tensor.double().abs().sum() for tensor in load_file(f"{folder}/model.safetensors").values())
    found = sum(parameter.double().abs().sum() for parameter in model.parameters())
    if abs(total - found) > 1e-9 * total:
        raise ValueError(f"the values of the file add up to {total}, those of the network to {found}")
    return model


def trouble(network, file, options, folder=None):
    try:
        model = loaded(network, file, options) if folder is None else pretrained(network, folder)
        return None if torch.isfinite(answer(model, options)).all() else "the answer is not finite"
    except Exception as error:  # what went wrong is the result
        return f"{type(error).__name__}: {error}"


json.dump([trouble(**case) for case in json.load(sys.stdin)], sys.stdout)
