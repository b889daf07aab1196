using Xunit.v3;

// A PKCS#11 module and its variables belong to the whole process, so these tests take turns.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
