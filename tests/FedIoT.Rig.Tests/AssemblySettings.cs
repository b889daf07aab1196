using Xunit.v3;

// There is one board.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
