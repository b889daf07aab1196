using System.Numerics;
using FedIoT.Learning.Kernels;
using FedIoT.Learning.Tests.Determinism;
using FedIoT.Wire.Tasks;

// Trains on generated samples and prints one line a run: "name steps hash". The hash covers every bit of the trained
// weights, the delta and the residual, so two processors agree only if every operation on the way did.
Console.WriteLine($"vector {Vector<float>.Count} {(Vector.IsHardwareAccelerated ? "accelerated" : "software")}");
Console.WriteLine($"functions 0 {Runs.HashFunctions():x16}");
var mlp = new ModelArchitecture(ModelKind.Mlp, [36, 32, 6], 6, 6, 5, 5);
var odd = new ModelArchitecture(ModelKind.Mlp, [97, 40, 23, 7], 6, 6, 5, 4);
var convolution = new ModelArchitecture(ModelKind.Convolution1D, [32, 5, 12, 5, 20, 3, 6], 6, 6, 5, 5);
Print("mlp", mlp, 100);
Print("mlp", mlp, 1200);
Print("mlp-odd", odd, 100);
Print("convolution", convolution, 100);
return 0;

static void Print(string name, ModelArchitecture architecture, int steps) =>
    Console.WriteLine($"{name} {steps} {Runs.HashTraining(architecture, steps):x16}");
