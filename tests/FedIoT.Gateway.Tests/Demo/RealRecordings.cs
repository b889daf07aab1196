using Xunit;

namespace FedIoT.Gateway.Tests.Demo;

/// <summary>Where the published recordings are, if they are: FEDIOT_DATA.</summary>
internal static class RealRecordings
{
    public static string FolderOrSkip(string name)
    {
        string? root = Environment.GetEnvironmentVariable("FEDIOT_DATA");
        string folder = string.IsNullOrEmpty(root) ? string.Empty : Path.Combine(root, name);
        Assert.SkipUnless(
            File.Exists(Path.Combine(folder, "recording.toml")),
            $"needs the recording '{name}': set FEDIOT_DATA to the folder that holds it");
        return folder;
    }
}
