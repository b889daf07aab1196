using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Demo;

/// <summary>The folder that a run writes into: new, empty, or that of an earlier run, which is replaced.</summary>
public static class OutputFolder
{
    /// <summary>Results of a run, besides the nodes' state directories.</summary>
    public static IReadOnlyList<string> FileNames { get; } = ["report.json", "accuracy.svg", "model.onnx"];

    /// <summary>Name of the folder with the nodes' state directories.</summary>
    public const string NodesName = "nodes";

    /// <summary>Makes the folder, or clears an earlier run out of it.</summary>
    /// <param name="folder">Wanted folder; empty = a new temporary one.</param>
    /// <returns>Its full path.</returns>
    /// <exception cref="InputException">The folder holds something that no run wrote.</exception>
    public static string Prepare(string folder)
    {
        if (string.IsNullOrEmpty(folder))
        {
            return Directory.CreateTempSubdirectory("fediot-demo-").FullName;
        }

        if (File.Exists(folder))
        {
            throw new InputException($"--out: {folder} is a file; name a folder");
        }

        Directory.CreateDirectory(folder);
        IEnumerable<string> foreign = Directory.EnumerateFileSystemEntries(folder)
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(name => name != NodesName && !FileNames.Contains(name));
        if (foreign.FirstOrDefault() is { } name)
        {
            throw new InputException(
                $"--out: {folder} holds '{name}', which no demo wrote; name another folder or empty this one");
        }

        foreach (string file in FileNames)
        {
            File.Delete(Path.Combine(folder, file));
        }

        string nodes = Path.Combine(folder, NodesName);
        if (Directory.Exists(nodes))
        {
            Directory.Delete(nodes, recursive: true);
        }

        return Path.GetFullPath(folder);
    }
}
