using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Signing;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>What a state folder says when it cannot be used, and which secrets of a gateway are looked for.</summary>
public sealed class StateFolderTests : IDisposable
{
    // A disk of one page that something else fills; the verb; the same verb when there is room again.
    private const string FullDisk =
        """
        mount -t tmpfs -o size=4k none "$0" || exit 77
        head -c 4096 /dev/zero > "$0/full"
        "$@"
        echo "first $?, $(ls "$0")"
        rm "$0/full"
        "$@"
        echo "second $?, $(ls "$0")"
        """;

    private readonly TemporaryFolder folder = new();

    private string State => folder.File("state");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Acquire_FolderInUse_SaysByWhom()
    {
        using StateFolderLock held = StateFolderLock.Acquire(State);
        RunFailedException error = Assert.Throws<RunFailedException>(() => StateFolderLock.Acquire(State));
        Assert.Contains($"in use by process {Environment.ProcessId}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acquire_FullDisk_IsNotTakenForAnotherProcess()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's");
        Directory.CreateDirectory(State);
        File.CreateSymbolicLink(Path.Combine(State, "pid"), "/dev/full");
        RunFailedException error = Assert.Throws<RunFailedException>(() => StateFolderLock.Acquire(State));
        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("in use", error.Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(State, "pid"));
        StateFolderLock.Acquire(State).Dispose(); // and the lock was given back
    }

    [Fact]
    public void Acquire_LockThatCannotBeOpened_SaysSo()
    {
        Directory.CreateDirectory(Path.Combine(State, "lock"));
        RunFailedException error = Assert.Throws<RunFailedException>(() => StateFolderLock.Acquire(State));
        Assert.Contains($"the state folder {State} cannot be used: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecretScan_GatewayThatChangesItsKeys_LooksForTheNextKeysToo()
    {
        string home = folder.File("gateway");
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync("init", "--folder", home);
        Assert.True(exitCode == 0, error);
        string configuration = Path.Combine(home, "gateway.toml");
        string text = await File.ReadAllTextAsync(configuration, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            configuration,
            text.Replace("[keys]", "[keys]\nnext_node = \"file:keys/later.key\"", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        string[] files = ["later.key", "training.key.next"];
        foreach (string file in files)
        {
            Ed25519Signer.Create(Path.Combine(home, "keys", file)).Dispose();
        }

        SecretScan scan = SecretScan.Of(GatewayConfigurationReader.Read(configuration));
        foreach (string file in files)
        {
            byte[] seed = (await File.ReadAllBytesAsync(
                Path.Combine(home, "keys", file), TestContext.Current.CancellationToken))[^32..];
            Assert.EndsWith(file, scan.Find([1, 2, .. seed, 3]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task KeysCreate_FullDisk_LeavesNothingInTheWayOfTheNextAttempt()
    {
        string disk = folder.File("disk");
        Directory.CreateDirectory(disk);
        (int exitCode, string output, string error) = await GatewayProcess.RunWithinAsync(
            ["unshare", "-rm", "sh", "-c", FullDisk, disk], new Dictionary<string, string>(), "keys", "create",
            $"file:{disk}/node.key");
        Assert.SkipWhen(
            exitCode == 77 || error.Contains("unshare:", StringComparison.Ordinal),
            "this machine lets nobody mount a disk of his own (unshare -rm)");
        Assert.Contains("first 1, full\n", output, StringComparison.Ordinal);
        Assert.Contains("Cannot create the key file", error, StringComparison.Ordinal);
        Assert.EndsWith("second 0, node.key\n", output, StringComparison.Ordinal);
    }
}
