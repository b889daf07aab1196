using System.Globalization;

namespace FedIoT.Simulation.Tests;

/// <summary>Which seeds to run, and how a failure is told.</summary>
internal static class Seeds
{
    /// <summary>As many as the environment says, else the default.</summary>
    public static int Count(int normal) => Variable("FEDIOT_SEED") is not null
        ? 1
        : int.TryParse(Variable("FEDIOT_SEEDS"), CultureInfo.InvariantCulture, out int wanted) ? wanted : normal;

    public static IEnumerable<ulong> From(int count) =>
        ulong.TryParse(Variable("FEDIOT_SEED"), CultureInfo.InvariantCulture, out ulong one)
            ? [one]
            : Enumerable.Range(1, count).Select(i => (ulong)i);

    /// <summary>Runs a seed: null, or what broke and how to see it again.</summary>
    public static string? Run(ulong seed, out World? world) => Run(Scenario.For(seed), out world);

    /// <summary>Runs a scenario: null, or what broke and how to see it again.</summary>
    public static string? Run(Scenario scenario, out World? world)
    {
        ulong seed = scenario.Seed;
        world = null;
        try
        {
            var run = new World(scenario);
            run.Run();
            world = run;
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            string what = e is SimulationException ? e.Message : $"seed {seed}: {e}";
            return $"{what}\n  again: FEDIOT_SEED={seed} dotnet run -c Release --project tests/FedIoT.Simulation.Tests";
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name);
}
