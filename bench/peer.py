"""The PyTorch peer of the benchmarks: the same training steps, written independently with PyTorch's own operators.

Reads one JSON request from standard input and prints one JSON reply: {"seconds": [...], "threads": n, "torch": "..."}.
- {"task": "network", ...}: forward, backward and AdamW of a ViT on random images.
- {"task": "meta", ...}: predicts that ViT's parameters with LoGAH (Graphormer, low-rank decoder with only the rows that are needed),
  runs it, and updates the hypernetwork: cross-entropy plus the norms of predicted tensors, clipping, AdamW.
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

request = json.load(sys.stdin)
torch.set_num_threads(request["threads"])
torch.manual_seed(0)
vit = request["vit"]
LAYERS, HEADS, D, MLP, PATCH = (vit[key] for key in ("layers", "heads", "hidden", "mlp", "patch"))
SIDE = 32 // PATCH


def run_vit(p, images):
    x = F.conv2d(images, p["conv_proj.weight"], p["conv_proj.bias"], stride=PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([p["class_token"].expand(len(x), -1, -1), x], 1) + p["encoder.pos_embedding"]
    for i in range(LAYERS):
        name = f"encoder.layers.encoder_layer_{i}."
        get = lambda key: p[name + key]
        y = F.layer_norm(x, (D,), get("ln_1.weight"), get("ln_1.bias"), 1e-6)
        qkv = F.linear(y, get("self_attention.in_proj_weight"), get("self_attention.in_proj_bias"))
        q, k, v = qkv.view(*y.shape[:2], 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + F.linear(y, get("self_attention.out_proj.weight"), get("self_attention.out_proj.bias"))
        y = F.layer_norm(x, (D,), get("ln_2.weight"), get("ln_2.bias"), 1e-6)
        x = x + F.linear(F.gelu(F.linear(y, get("mlp.0.weight"), get("mlp.0.bias"))), get("mlp.3.weight"), get("mlp.3.bias"))
    x = F.layer_norm(x, (D,), p["encoder.ln.weight"], p["encoder.ln.bias"], 1e-6)
    return F.linear(x[:, 0], p["heads.head.weight"], p["heads.head.bias"])


images = torch.randn(request["batch"], 3, 32, 32)
labels = torch.arange(request["batch"]) % 10
shapes = {name: shape for name, shape in request["parameters"]}


def network_step():
    params = {name: (0.02 * torch.randn(shape)).requires_grad_() for name, shape in shapes.items()}
    optimizer = torch.optim.AdamW(params.values(), lr=1e-3, weight_decay=0.01)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(run_vit(params, images), labels).backward()
        optimizer.step()

    return step


def meta_step():
    config, graph = request["hypernet"], request["graph"]
    dim, heads, rank, rows_max = config["dim"], config["heads"], config["rank"], config["maxRows"]
    h = {name: (0.05 * torch.randn(shape)).requires_grad_() for name, shape in request["hypernetParameters"]}
    optimizer = torch.optim.AdamW(h.values(), lr=3e-4, weight_decay=0.01)
    ids = {key: torch.tensor(graph[key]) for key in ("types", "rows", "inDegrees", "outDegrees", "inputDistances", "forward", "backward")}
    n = len(graph["types"])
    dense = lambda x, name: F.linear(x, h[name + ".weight"], h.get(name + ".bias"))
    norm = lambda x, name: F.layer_norm(x, (dim,), h[name + ".weight"], h[name + ".bias"], 1e-5)

    def encode():
        table = lambda name, index: h[name + ".weight"][index]
        channel, spatial = "shape_enc.embed_channel", "shape_enc.embed_spatial"
        shape = torch.cat([table(channel, ids["rows"][0]), table(channel, ids["rows"][1]), table(spatial, ids["rows"][2]), table(spatial, ids["rows"][3])], 1)
        x = table("embed", ids["types"]) + shape + table("gnn.0.centrality_embed_in", ids["inDegrees"])
        x = x + table("gnn.0.centrality_embed_out", ids["outDegrees"]) + table("gnn.0.input_dist_embed", ids["inputDistances"])
        edges = torch.cat([table("gnn.0.attn.edge_embed.embed", ids["forward"]), table("gnn.0.attn.edge_embed.embed", ids["backward"])], -1)
        bias = dense(F.relu(dense(edges, "gnn.0.attn.proj_e.0")), "gnn.0.attn.proj_e.2").permute(2, 0, 1)
        for i in range(config["layers"]):
            name = f"gnn.{i}"
            q, k, v = F.linear(norm(x, name + ".ln1"), h[name + ".attn.to_qkv.weight"]).view(n, 3, heads, -1).permute(1, 2, 0, 3)
            mixed = ((q @ k.transpose(1, 2)) / math.sqrt(dim // heads) + bias).softmax(-1) @ v
            x = x + dense(mixed.transpose(0, 1).reshape(n, dim), name + ".attn.to_out.0")
            x = x + dense(F.gelu(dense(norm(x, name + ".ln2"), name + ".ff.net.0")), name + ".ff.net.3")
        return norm(x, "ln")

    def factor(codes, first, rows):
        values = rows * rank
        used, outputs = math.ceil(values / rows_max), min(values, rows_max)
        flat = F.linear(codes[:, first : first + used], h["decoder.l2.weight"][:outputs], h["decoder.l2.bias"][:outputs])
        return flat.flatten(1)[:, :values].view(-1, rows, rank)

    def predict():
        x = F.relu(dense(F.relu(dense(encode(), "decoder.mlp.fc.0")), "decoder.mlp.fc.2"))
        codes = F.relu(dense(x, "decoder.mlp.fc.4")).view(n, 2 * rank, rank)
        predicted = {}
        for group in graph["groups"]:
            out, inputs, height, width = group["kernel"]
            nodes = torch.tensor([target["node"] for target in group["targets"]])
            product = factor(codes[nodes], 0, out * height) @ factor(codes[nodes], rank, inputs * width).transpose(1, 2)
            for target, w in zip(group["targets"], product.view(-1, out, height, inputs, width).transpose(2, 3)):
                shape, kind = target["shape"], target["kind"]
                if kind == "vector":
                    v = w.flatten()[target["start"] : target["start"] + shape[0]]
                    predicted[target["name"]] = 2 * torch.sigmoid(v / 2) if target["gain"] else torch.tanh(v / 5)
                elif kind == "position":
                    predicted[target["name"]] = torch.cat([torch.zeros(1, 1, D), w.reshape(1, D, -1).transpose(1, 2)], 1)
                else:
                    predicted[target["name"]] = w.reshape(shape) * target["scale"]
        return predicted

    def step():
        optimizer.zero_grad()
        predicted = predict()
        loss = F.cross_entropy(run_vit({"class_token": torch.zeros(1, 1, D), **predicted}, images), labels)
        (loss + 3e-5 * sum(p.norm() for p in predicted.values())).backward()
        torch.nn.utils.clip_grad_norm_(h.values(), 5)
        optimizer.step()

    return step


step = {"network": network_step, "meta": meta_step}[request["task"]]()
seconds = []
for i in range(request["repetitions"] + 1):
    start = time.perf_counter()
    step()
    if i > 0:
        seconds.append(time.perf_counter() - start)
json.dump({"seconds": seconds, "threads": torch.get_num_threads(), "torch": torch.__version__}, sys.stdout)
