using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Configuration;

/// <summary>Everything that is wrong in a file, collected while it is read, so that all of it is reported.</summary>
internal sealed class ProblemList
{
    private readonly List<ConfigurationProblem> problems = [];

    public bool IsEmpty => problems.Count == 0;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ConfigurationProblem> All =>
        [.. problems.OrderBy(p => p.Place.File, StringComparer.Ordinal).ThenBy(p => p.Place.Line)
            .ThenBy(p => p.Place.Column)];

    public void Add(TextPlace place, string message) => problems.Add(new ConfigurationProblem(place, message));

    /// <summary>Ends the verb when anything is wrong.</summary>
    /// <exception cref="InputException">All problems, one a line.</exception>
    public void ThrowIfAny(string file)
    {
        if (!IsEmpty)
        {
            string count = problems.Count == 1 ? "1 error" : $"{problems.Count} errors";
            throw new InputException($"{file} has {count}; nothing was done\n{string.Join('\n', All)}");
        }
    }
}
