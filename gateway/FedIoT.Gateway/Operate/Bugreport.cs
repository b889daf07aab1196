using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// Collects what helps to find a fault in one gateway, and nothing that is secret: no file's content but the bound
/// configuration and the audit log, no value of an environment variable, no memory.
/// </summary>
/// <param name="file">The configuration's file.</param>
internal sealed class Bugreport(string file)
{
    private const int FilesMax = 20_000;
    private const int AuditEntriesMax = 500;

    private static readonly string[] Questions =
    [
        "status", "log", "station", "chain/status", "chain/peers", "chain/validators", "chain/evidence",
        "chain/blocks?count=20", "tasks",
    ];

    private readonly SortedDictionary<string, byte[]> entries = new(StringComparer.Ordinal);

    /// <summary>Name and content of every entry.</summary>
    public IReadOnlyDictionary<string, byte[]> Entries => entries;

    /// <summary>Collects. What cannot be had is told in its place.</summary>
    public async Task CollectAsync(CancellationToken cancellation)
    {
        Add("environment.json", EnvironmentFacts());
        GatewayConfiguration? configuration = ReadConfiguration();
        if (configuration is not null)
        {
            Add("configuration.toml", ConfigurationText.Of(configuration));
            Add("files.txt", List(configuration.Folder) + List(configuration.StateFolder));
            Add("audit.txt", AuditText(configuration.StateFolder));
            await AskAsync(configuration, cancellation).ConfigureAwait(false);
            int secrets = RefuseSecrets(SecretScan.Of(configuration));
            Add("README.txt", Readme(secrets));
        }
        else
        {
            Add("README.txt", Readme(secrets: 0));
        }
    }

    /// <summary>What is in it, for the entry README.txt and for the terminal.</summary>
    private static string Readme(int secrets) =>
        $"""
        Bug report of a FedIoT gateway, made by 'fediot bugreport'.

        It has: version and machine (environment.json; of variables the names only), the configuration as it was
        understood, without comments (configuration.toml), names, sizes, modes and times of files (files.txt), the
        newest {AuditEntriesMax} audit entries (audit.txt), and what the running daemon answers (daemon/*.json): status,
        the newest log lines, board, chain heads, peers, validators, evidence, tasks.
        It has no contents of key files, PINs, passwords, frames or features, and no memory.
        {secrets} secrets of this gateway's key files were searched for in every entry, in raw, hexadecimal and base 64
        form: none was found. Names of devices, accounts, addresses and paths are in it.
        """;

    private static string EnvironmentFacts()
    {
        Assembly self = typeof(Bugreport).Assembly;
        IEnumerable<JsonNode?> names = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(n => n.StartsWith("FEDIOT_", StringComparison.Ordinal)
                || n.StartsWith("DOTNET_", StringComparison.Ordinal)
                || n is "NOTIFY_SOCKET" or "JOURNAL_STREAM" or "CREDENTIALS_DIRECTORY" or "INVOCATION_ID")
            .Order(StringComparer.Ordinal).Select(n => (JsonNode?)JsonValue.Create(n));
        return new JsonObject
        {
            ["schema"] = "fediot.bugreport/1",
            ["version"] = self.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["system"] = RuntimeInformation.OSDescription,
            ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
            ["processors"] = Environment.ProcessorCount,
            ["memoryBytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            ["isPrivileged"] = Environment.IsPrivilegedProcess,
            ["variables"] = new JsonArray([.. names]),
        }.ToJsonString(AsText);
    }

    private static readonly System.Text.Json.JsonSerializerOptions AsText = new() { WriteIndented = true };

    // The messages of a configuration's problems quote it, so only their places are told.
    private GatewayConfiguration? ReadConfiguration()
    {
        try
        {
            var problems = new ProblemList();
            GatewayConfiguration? read = GatewayConfigurationReader.Parse(
                GatewayConfigurationReader.ReadText(file), file, problems);
            if (!problems.IsEmpty)
            {
                Add("configuration-problems.txt", string.Concat(problems.All.Select(p => $"{p.Place}\n")));
            }

            return problems.IsEmpty ? read : null;
        }
        catch (InputException)
        {
            Add("configuration-problems.txt", $"{file} cannot be read\n");
            return null;
        }
    }

    private static string List(string folder)
    {
        var text = new StringBuilder($"{folder}\n");
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", new EnumerationOptions
            {
                RecurseSubdirectories = true, AttributesToSkip = 0, MaxRecursionDepth = 8,
            }).Take(FilesMax).Order(StringComparer.Ordinal))
            {
                FileSystemInfo entry = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
                text.Append(CultureInfo.InvariantCulture, $"{Mode(entry)} {(entry as FileInfo)?.Length ?? 0,12} ")
                    .Append(CultureInfo.InvariantCulture, $"{entry.LastWriteTimeUtc:yyyy-MM-dd HH:mm:ss}Z ")
                    .Append(Path.GetRelativePath(folder, path)).Append('\n');
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            text.Append(CultureInfo.InvariantCulture, $"not listed further: {e.Message}\n");
        }

        return text.Append('\n').ToString();
    }

    private static string Mode(FileSystemInfo entry) =>
        OperatingSystem.IsWindows() ? "----" : Convert.ToString((int)entry.UnixFileMode, 8).PadLeft(4, '0');

    private static string AuditText(string stateFolder)
    {
        (Queue<AuditEntry> read, string? problem) = AuditCommand.Read(stateFolder, AuditEntriesMax);
        return string.Concat(read.Select(e => string.Create(
            CultureInfo.InvariantCulture, $"{e.Sequence} {TextTable.Time(e.Time)} {e.Kind} {e.Text}\n")))
            + (problem is null ? string.Empty : problem + "\n");
    }

    private async Task AskAsync(GatewayConfiguration configuration, CancellationToken cancellation)
    {
        using var client = new AdminClient(configuration.AdminSocket, "fediot run");
        foreach (string question in Questions)
        {
            string name = $"daemon/{question.Split('?')[0].Replace('/', '-')}";
            try
            {
                entries[name + ".json"] =
                    await client.GetAsync($"v1/{question}", cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is InputException or RunFailedException)
            {
                Add(name + "-problem.txt", e.Message + "\n");
            }
        }
    }

    private int RefuseSecrets(SecretScan scan)
    {
        foreach ((string name, byte[] content) in entries)
        {
            if (scan.Find(content) is { } owner)
            {
                throw new RunFailedException(
                    $"{name} would hold {owner}; nothing was written, please report this as a fault without the entry");
            }
        }

        return scan.Count;
    }

    private void Add(string name, string text) => entries[name] = Encoding.UTF8.GetBytes(text);
}
