namespace FedIoT.Wire.Tests;

/// <summary>Finds published vectors: the FEDIOT_DATA variable, or shared/data beside a parent folder.</summary>
internal static class SharedData
{
    public static string Require(string relative)
    {
        string? folder = Environment.GetEnvironmentVariable("FEDIOT_DATA");
        for (string? at = AppContext.BaseDirectory; folder is null && at is not null; at = Path.GetDirectoryName(at))
        {
            string candidate = Path.Combine(at, "shared", "data");
            folder = Directory.Exists(candidate) ? candidate : null;
        }

        string path = Path.Combine(folder ?? "shared/data", relative);
        Assert.SkipUnless(Path.Exists(path), $"no {relative}: set FEDIOT_DATA to the folder with the test data");
        return path;
    }
}
