using FedIoT.Wire.Tasks;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// Reads a recording folder: <c>recording.toml</c> says what the CSV files (plain or gzip) hold. Every problem of
/// the folder is a <see cref="RecordingException"/> that names file, line, column and value.
/// </summary>
public static class RecordingReader
{
    /// <summary>Name of the description inside the folder.</summary>
    public const string ManifestName = "recording.toml";

    /// <summary>Longest description, in bytes.</summary>
    public const int ManifestBytesMax = 1 << 20;

    /// <summary>Reads everything into memory; files in parallel.</summary>
    /// <exception cref="RecordingException">The folder is not a recording.</exception>
    public static Recording Read(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RecordingManifest manifest = ReadManifest(folder);
        (string Name, string Path, IReadOnlyList<RecordedSegment> Segments)[] files = FindFiles(folder, manifest);
        try
        {
            Parallel.For(0, files.Length, i =>
                files[i].Segments = new RecordedFileReader(manifest, files[i].Name).Read(files[i].Path));
        }
        catch (AggregateException e)
        {
            // Several files can be wrong at once; the first in the manifest's order is reported, whatever ran first.
            RecordingException[] known = [.. e.InnerExceptions.OfType<RecordingException>()];
            if (known.Length == 0)
            {
                throw;
            }

            throw known.MinBy(k => Array.FindIndex(files, f => f.Name == k.File))!;
        }

        Dictionary<string, IReadOnlyList<RecordedSegment>> byName = files.ToDictionary(f => f.Name, f => f.Segments);
        return new Recording
        {
            Name = manifest.Name,
            SampleIntervalMs = manifest.SampleIntervalMs,
            Channels = [.. manifest.Channels.Select(c => c.Specification)],
            Classes = [.. manifest.Classes.Select(c => c.Name)],
            Devices =
            [
                .. manifest.Devices.Select(d => new RecordedDevice(
                    d.Id,
                    [.. d.Train.SelectMany(f => byName[f.Name])],
                    [.. d.Test.SelectMany(f => byName[f.Name])])),
            ],
        };
    }

    private static RecordingManifest ReadManifest(string folder)
    {
        string path = Path.Combine(folder, ManifestName);
        if (!Directory.Exists(folder))
        {
            throw new RecordingException(folder, 0, 0, "", "no such folder; give the folder that has recording.toml.");
        }

        var information = new FileInfo(path);
        if (!information.Exists)
        {
            throw new RecordingException(
                ManifestName, 0, 0, "", $"not in '{folder}'; write it beside the CSV files or give another folder.");
        }

        if (information.Length > ManifestBytesMax)
        {
            throw new RecordingException(
                ManifestName, 0, 0, "", "longer than 1 MiB; it describes the data, the samples belong into CSV files.");
        }

        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RecordingException(ManifestName, 0, 0, "", $"cannot be read ({e.Message}); check the file.", e);
        }

        return RecordingManifestParser.Parse(text);
    }

    private static (string Name, string Path, IReadOnlyList<RecordedSegment> Segments)[] FindFiles(
        string folder, RecordingManifest manifest)
    {
        string root = Path.GetFullPath(folder);
        string prefix = Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar;
        var files = new List<(string, string, IReadOnlyList<RecordedSegment>)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (ManifestFile file in manifest.Devices.SelectMany(d => d.Train.Concat(d.Test)))
        {
            string path = file.Name.Contains('\0', StringComparison.Ordinal)
                ? "" : Path.GetFullPath(Path.Combine(root, file.Name));
            if (!path.StartsWith(prefix, StringComparison.Ordinal))
            {
                throw new RecordingException(
                    ManifestName, file.Line, file.Column, file.Name,
                    $"file '{file.Name}' lies outside the folder; put it inside and name it from there.");
            }

            if (!File.Exists(path))
            {
                throw new RecordingException(
                    ManifestName, file.Line, file.Column, file.Name,
                    $"file '{file.Name}' does not exist; correct the name or add the file.");
            }

            if (seen.Add(file.Name))
            {
                files.Add((file.Name, path, []));
            }
        }

        return [.. files];
    }
}
