using FedIoT.Firmware.Simulator;
using Xunit;

namespace FedIoT.Firmware.Tests;

/// <summary>Public sensor recordings beside the project's root; tests that need one are skipped without it.</summary>
internal static class RealData
{
    private static readonly Dictionary<string, Lazy<Recording>> Recordings = new()
    {
        ["hapt-har"] = new(() => RecordingReader.Read(Find("hapt-har")!)),
        ["fan-vibration"] = new(() => RecordingReader.Read(Find("fan-vibration")!)),
    };

    public static Recording Read(string name)
    {
        _ = Folder(name);
        return Recordings[name].Value;
    }

    public static string Folder(string name)
    {
        string? folder = Find(name);
        Assert.SkipWhen(folder is null, $"the recording '{name}' is not here; set FEDIOT_DATA to its parent folder");
        return folder!;
    }

    private static string? Find(string name)
    {
        var roots = new List<string?> { Environment.GetEnvironmentVariable("FEDIOT_DATA") };
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            roots.Add(Path.Combine(d.FullName, "shared", "data"));
        }

        return roots.OfType<string>().Select(r => Path.Combine(r, name)).FirstOrDefault(Directory.Exists);
    }
}
