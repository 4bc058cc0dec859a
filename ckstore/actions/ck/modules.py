"""The kinds that Collective Knowledge defines itself (version 2.6), and the UIDs of their modules.

Their modules ship with its kernel, so that every repository may use them and none needs to have them.
"""

from __future__ import annotations

_SHIPPED = """
advice 2a2ede3f72b29b6b, algorithm c490184a6d956c69, all e8ebe2ef2e5b4555, apk eb4ec9907982260a
artifact 417c3b437caa4594, caffe2 95a1719259c1a699, cfg b34231a3467566f8, choice e4564d6f984400d7
ck-platform 2ba7a9eb1047fa35, clblast 0c951e74b67b9d4e, cmdgen 4282b15de48f4d05, compiler 36ebc331048475bb
crowdnode d48bb74fac9e78a3, dashboard 4a4581c2dddde890, dataset 8a7141c59cd335f5
dataset.features 87b55c4f4a2482da, demo 0e1dbf34af69c41f, device 5add622b07468cb6, doc 52b840ae194e640b
docker 88eef0cd8c43b68a, docker.template 619e141969aa4bad, docs 285ff4e63803433c, env 9b9b3208ac44b891
experiment bc0409fb61f0aa82, experiment.bench.caffe2 75114c4997197226
experiment.bench.dnn 1eb2f50d4620903e, experiment.bench.dnn.mobile 4dcf435bb0d92fa6
experiment.bench.tensorflow bca33b04b438d756, experiment.check.algorithm.scalability d03ad50d71549c99
experiment.check.numerical.stability b0494091a880bdbd, experiment.detect.opencl.bugs 7b4eb7a0a2c589c2
experiment.model.program.behavior a03dafeff8094c0d, experiment.raw 4894dc942079d0a4
experiment.scenario.mobile 65477d547a49dd2c, experiment.tune.compiler.flags 343e18b9c5f1771c
experiment.tune.compiler.flags.gcc 9d88674c45b94971
experiment.tune.compiler.flags.gcc.custom 4452e85e14674a78
experiment.tune.compiler.flags.gcc.e 8289e0cf24346aa7
experiment.tune.compiler.flags.gcc.e.x 6b9845eca8aa7fa5
experiment.tune.compiler.flags.gcc.es 759e460c08f9bdc7
experiment.tune.compiler.flags.gcc.fuzz f7045b998e4732e9
experiment.tune.compiler.flags.gcc.s 477caf0a4fac96b2
experiment.tune.compiler.flags.gcc.x 07bc65ee45c6bef4
experiment.tune.compiler.flags.llvm 3b94ae3c43fc89ad
experiment.tune.compiler.flags.llvm.e 2aaed4c520956635
experiment.tune.compiler.flags.llvm.e.x 4007aceb8345e340
experiment.tune.compiler.flags.llvm.fuzz 2ac4705b4651675c
experiment.tune.compiler.flags.llvm.x d2bb90d3cc6c4c9f, experiment.tune.cuda.ws.e 28ed251f424a84dd
experiment.tune.custom.dimensions 86e1d86bda447e84, experiment.tune.dnn.batch_size c074f00ae937b922
experiment.tune.openblas.threads 449380b3c855229c, experiment.tune.opencl.clblast 6c5af99f945739bd
experiment.tune.opencl.lws.e 04b8e8f8727fd1a6, experiment.tune.opencl.lws.ep f519226eb5740c8b
experiment.tune.openmp.threads ad5604a91b2577db, experiment.user 4e9cb28c86306b7f
experiment.view e7c9e42ba8edace0, graph 2d41f89bcf32d4d4, graph.dot 94a051a40018fcd3
index fe44df6a05a4e937, jnotebook 145039462db4f4d2, kernel b1e99f6461424276, log 344ab4577afde768
machine 84be34883a81b2a9, math.conditions d5ac649c14325bca, math.frontier 99d08d331cdc5478
math.variation d3b13388e6152da7, me d481c9332553bf16, misc cddc5e04b0da610e, mlperf 76af712b1f711538
mlperf.inference abeb3402c8c86f6f, mlperf.mobilenets 98c849f7764a8fba, mlperf.result 27a634aee4fef9ec
model f92b25ca2f1a98ae, model.image.classification 42b9a1221eb50259, model.r 3610126974aec8b0
model.sklearn c044a31a47d440c1, model.species 38e7de41acb41d3b, model.tensorflowapi 54493a21023bbe15
model.tf dd506614c11964a6, module 032630d041b4fd8a, nntest 38b4f1dcda465782, os 0440cb72c2bc5cc6
package 1dc07ee0f4742028, package.template b9f44a9ee54ccdb2, paper 208314998a44ddab
pipeline db25414b48b4ffb3, pipeline.cmd c52e2c61be3f4600, platform 707ccdfe444cafac
platform.cpu aa6b542a420b8db9, platform.dsp 8f8a0a7236ff42a6, platform.gpgpu 192ed4e0bbdbe743
platform.gpu 55ec7775f4afaabd, platform.init 38a2f5438d8555b6, platform.nn 76de04d524bbea7f
platform.npu 4442b1dfc04c2106, platform.os 41e31cc4496b8a8e, program b0ac08fe1d3c2615
program.behavior 475b4bd8214978de, program.dynamic.features 06ca694b4b8a8943
program.experiment.speedup 79ebd29367875c5b, program.optimization 27bc42ee449e880e
program.optimization.mobile a0d5491ba8281840, program.output e4c1d9d3f0acf094
program.species 1702c3e426ca54c5, program.static.features 92a02f0445148203
program.template 441fa62fbc6fcc48, qr-code 5fd6485380ef9ff2, repo befd7892b0d469e9
report 1e348bd6ab43ce8a, result 4cd2850867df4241, result.cfg 68d174e82bfa3f79, script 84e27ad9dd12e734
soft 5e1100048ab875d7, soft.template 24e15b92ee542450, solution 1e448958932a00d4, sut 194e44c4cacd5101
table 2884ee69eaefe71e, tensorflow 54beacc145cd5372, test 942e180ee60b2d72, tmp bfc8fef73c233ce4
user 31945a474d940ab0, web c480461384765c78, wfe 1e4e644996b7f2a0, xml 438944ac88b3baab
"""

MODULE_UIDS: dict[str, str] = dict(
    line.strip().rsplit(" ", 1) for line in _SHIPPED.replace(",", "\n").splitlines() if line.strip()
)
KIND_OF_UID: dict[str, str] = {uid: kind for kind, uid in MODULE_UIDS.items()}
