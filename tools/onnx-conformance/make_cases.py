"""Writes the cases of ONNX's own backend tests as folders: python make_cases.py OUT (pip install onnx==1.23.2 numpy).

Each has case.json, data.bin (all numbers as float64) and up to three models: as it is, with all inputs but the first stored in it ("stored"), and with all
inputs stored in it, which leaves nothing to compute but an addition ("constant")."""
import glob, json, os, sys, warnings
import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper
from onnx.backend.test import loader

warnings.filterwarnings('ignore')
OUT = sys.argv[1]
RANDOM = {'RandomNormal', 'RandomUniform', 'RandomNormalLike', 'RandomUniformLike', 'Bernoulli', 'Multinomial'}
MOST_INPUTS, MOST_OUTPUTS = 400, 2000


def operators(graph):
    for node in graph.node:
        yield (node.domain + '::' if node.domain not in ('', 'ai.onnx') else '') + node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH: yield from operators(attribute.g)


def excluded(model):
    """Why a case cannot apply: values that are no tensors of numbers, training, random numbers, classic machine learning."""
    for value in [*model.graph.input, *model.graph.output]:
        kind = value.type.WhichOneof('value')
        if kind != 'tensor_type': return kind.replace('_type', '')
        if value.type.tensor_type.elem_type == T.STRING: return 'string'
    names = set(operators(model.graph)) | {n.op_type for f in model.functions for n in f.node}
    if any(n.startswith('ai.onnx.preview.training') for n in names): return 'training'
    if any(n.startswith('ai.onnx.ml') for n in names): return 'ai.onnx.ml'
    return 'random' if names & RANDOM else None


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def tensor(value, name):
    result = onnx.TensorProto()
    result.CopyFrom(value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value)))
    result.name = name
    return result


def stored(model, inputs, all_of_them):
    """The model with inputs stored in it."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    known = {t.name for t in result.graph.initializer}
    first = 0 if all_of_them else 1
    for info, value in list(zip(model.graph.input, inputs))[first:]:
        if info.name not in known: result.graph.initializer.append(tensor(value, info.name))
    del result.graph.input[:]
    if not all_of_them:
        result.graph.input.append(model.graph.input[0])
        return result
    output = result.graph.output[0].name
    del result.graph.output[:]
    result.graph.input.append(helper.make_tensor_value_info('nothing', T.FLOAT, [1]))
    result.graph.node.append(helper.make_node('Cast', [output], ['as_floats'], to=T.FLOAT))
    result.graph.node.append(helper.make_node('Add', ['as_floats', 'nothing'], ['constant_sum']))
    result.graph.output.append(helper.make_tensor_value_info('constant_sum', T.FLOAT, None))
    return result


def write(name, kind, model, sets, rtol, atol):
    folder = os.path.join(OUT, f'{kind}__{name}')
    os.makedirs(folder, exist_ok=True)
    info = dict(name=name, kind=kind, rtol=rtol, atol=atol, excluded=excluded(model), sets=[], models=['plain'])
    blob = bytearray()

    def put(value, name):
        a = array(value).astype(np.float64)
        at = len(blob) // 8
        blob.extend(np.ascontiguousarray(a).tobytes())
        return dict(name=name, shape=list(a.shape), at=at, count=int(a.size))

    if info['excluded'] is None:
        try:
            for inputs, outputs in sets:
                info['sets'].append(dict(inputs=[put(v, i.name) for i, v in zip(model.graph.input, inputs)],
                                         outputs=[put(v, o.name) for o, v in zip(model.graph.output, outputs)]))
        except (TypeError, ValueError): info['excluded'] = 'dtype'
    models = {'plain': model}
    if info['excluded'] is None and sets:
        inputs, outputs = sets[0]
        small = all(array(v).size <= MOST_INPUTS for v in inputs) and array(outputs[0]).size <= MOST_OUTPUTS
        opset = max((o.version for o in model.opset_import if o.domain in ('', 'ai.onnx')), default=0)
        if len(inputs) > 1: models['stored'] = stored(model, inputs, False)
        if small and opset >= 9: models['constant'] = stored(model, inputs, True)
    info['models'] = list(models)
    for key, value in models.items(): open(f'{folder}/{key}.onnx', 'wb').write(value.SerializeToString())
    open(f'{folder}/data.bin', 'wb').write(bytes(blob))
    json.dump(info, open(f'{folder}/case.json', 'w'))


def read(path):
    result = onnx.TensorProto()
    result.ParseFromString(open(path, 'rb').read())
    return result


for case in loader.load_model_tests(kind='node'):
    write(case.name, 'node', case.model, case.data_sets or [], case.rtol, case.atol)
for kind in ('simple', 'pytorch-converted', 'pytorch-operator', 'light'):
    for case in loader.load_model_tests(kind=kind):
        path = os.path.join(case.model_dir or '', 'model.onnx')
        if case.model_dir is None or not os.path.exists(path): continue
        model = onnx.load(path)
        sets = []
        if excluded(model) is None:
            for data in sorted(glob.glob(os.path.join(case.model_dir, 'test_data_set_*'))):
                count = lambda what: len(glob.glob(os.path.join(data, f'{what}_*.pb')))
                sets.append(tuple([read(f'{data}/{what}_{i}.pb') for i in range(count(what))] for what in ('input', 'output')))
        write(case.name, kind, model, sets, case.rtol, case.atol)
