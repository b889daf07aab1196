namespace FedIoT.Station.Tests.Files;

/// <summary>The folder <c>hardware</c> of the checkout that this program was built from.</summary>
internal static class Sources
{
    public static string Hardware { get; } = Path.Combine(FindRoot(), "hardware");

    /// <summary>Cells of the tables of a page whose first row begins with this cell, without head and rule.</summary>
    public static IEnumerable<string[]> Table(string page, string firstHead) =>
        File.ReadLines(page).SkipWhile(l => !l.StartsWith($"| {firstHead} |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim('|').Split('|').Select(c => c.Trim()).ToArray());

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FedIoT.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests run inside a checkout.");
    }
}
