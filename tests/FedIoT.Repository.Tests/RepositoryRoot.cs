namespace FedIoT.Repository.Tests;

/// <summary>The checkout that these tests read: the nearest folder upwards that holds the solution.</summary>
internal static class RepositoryRoot
{
    private static readonly string[] SkippedFolders =
        ["bin", "obj", ".git", "artifacts", ".vs", ".idea", "TestResults"];

    public static string Path { get; } = Find();

    public static IEnumerable<string> Files(string pattern) => Walk(Path, pattern).Order(StringComparer.Ordinal);

    public static string Relative(string file) => System.IO.Path.GetRelativePath(Path, file).Replace('\\', '/');

    private static IEnumerable<string> Walk(string folder, string pattern)
    {
        foreach (string file in Directory.EnumerateFiles(folder, pattern))
        {
            yield return file;
        }

        foreach (string child in Directory.EnumerateDirectories(folder))
        {
            if (!SkippedFolders.Contains(System.IO.Path.GetFileName(child)))
            {
                foreach (string file in Walk(child, pattern))
                {
                    yield return file;
                }
            }
        }
    }

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder, "FedIoT.sln")))
        {
            folder = System.IO.Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests run inside a checkout with FedIoT.sln.");
    }
}
