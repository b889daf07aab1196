namespace FedIoT.Learning.Tests.Federation;

/// <summary>Finds the recordings that tests use when they are there; the repository holds none.</summary>
internal static class TestData
{
    /// <summary>Folder of a data set, or null: FEDIOT_DATA, else shared/data above the test binary.</summary>
    public static string? Find(string name)
    {
        string? root = Environment.GetEnvironmentVariable("FEDIOT_DATA");
        if (string.IsNullOrEmpty(root))
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "shared", "data")))
            {
                folder = folder.Parent;
            }

            root = folder is null ? null : Path.Combine(folder.FullName, "shared", "data");
        }

        string? path = root is null ? null : Path.Combine(root, name);
        return path is not null && Directory.Exists(path) ? path : null;
    }

    /// <summary>Like <see cref="Find"/>; skips the test with the reason when the folder is not there.</summary>
    public static string Require(string name)
    {
        string? path = Find(name);
        Assert.SkipWhen(path is null, $"The data set '{name}' is not here; set FEDIOT_DATA to the folder that has it.");
        return path!;
    }
}
