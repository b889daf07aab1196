using System.Globalization;
using FedIoT.Benchmarks.Audit;
using FedIoT.Benchmarks.Chain;
using FedIoT.Benchmarks.Firmware;
using FedIoT.Benchmarks.Ingest;
using FedIoT.Benchmarks.Learning;
using FedIoT.Benchmarks.Ledger;

if (args is ["node-process", ..])
{
    return await NodeProcess.RunAsync(args[1..]); // a child of the area "nodes"
}

// dotnet run -c Release --project tests/FedIoT.Benchmarks -- [--quick] [AREA ...]
// A plain harness: every area measures itself and its anchor in the same run and returns named figures.
var areas = new (string Name, Func<bool, (string Name, double Value, string Unit)[]> Run)[]
{
    ("firmware", FirmwareBenchmarks.Run),
    ("ingest", IngestBenchmarks.Run),
    ("learning", LearningBenchmarks.Run),
    ("ledger", LedgerBenchmarks.Run),
    ("chain", ChainBenchmarks.Run),
    ("links", LinkBenchmarks.Run),
    ("nodes", NodeProcessBenchmarks.Run),
    ("audit", AuditBenchmarks.Run),
    ("sync", SyncBenchmarks.Run),
};
bool quick = args.Contains("--quick");
string[] wanted = [.. args.Where(a => !a.StartsWith('-'))];
string? unknown = wanted.FirstOrDefault(w => areas.All(a => a.Name != w));
if (unknown is not null)
{
    Console.Error.WriteLine($"There is no area '{unknown}': expected {string.Join(", ", areas.Select(a => a.Name))}");
    return 2;
}

Console.WriteLine($"{Environment.ProcessorCount} cores, .NET {Environment.Version}, {(quick ? "quick" : "full")} run");
foreach (var (area, run) in areas)
{
    if (wanted.Length > 0 && !wanted.Contains(area))
    {
        continue;
    }

    Console.WriteLine(area);
    foreach (var (name, value, unit) in run(quick))
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-64} {value,16:N2} {unit}"));
    }
}

return 0;
