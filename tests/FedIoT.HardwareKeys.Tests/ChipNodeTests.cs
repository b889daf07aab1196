using System.Net;
using FedIoT.Consensus;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Tests;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Tests.Atecc608;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// A whole gateway, alone on its chain, whose key is in a fake ATECC608: the bus gets stuck and recovers, and a disk
/// that was put back to an older copy signs nothing, because the chip's counter has moved on.
/// </summary>
public sealed class ChipNodeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeAtecc608 chip = new(TimeProvider.System);
    private readonly Ed25519Signer training = Ed25519Signer.FromSeed(new byte[32]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string State => folder.File("state");

    public void Dispose()
    {
        training.Dispose();
        chip.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task StuckBusThenOldDisk_NodeDegradesRecoversAndNeverSignsWithAnOldMemory()
    {
        VerifyingKey key = MakeKeyAndTie();
        long height;
        await using (GatewayNode node = await StartAsync(key))
        {
            await node.Chain.WaitForHeightAsync(new Height(3), Cancellation);
            chip.Inject(ChipFault.StuckBus, 1);
            await WaitAsync(() => !node.NodeKeyHealth.IsWorking, "degraded");
            Assert.Equal(SignerFault.Absent, node.NodeKeyHealth.Fault);
            Assert.Null(node.Failure);
            chip.Heal();
            await WaitAsync(() => node.NodeKeyHealth.IsWorking, "works again");
            await node.Chain.WaitForHeightAsync(new Height(node.Chain.Height.Value + 3), Cancellation);
            Assert.InRange(node.Chain.SignerCountsLeft!.Value, 2_097_000, 2_097_150);
            height = node.Chain.Height.Value;
        }

        Copy(State, folder.File("old"));
        await using (GatewayNode node = await StartAsync(key))
        {
            await node.Chain.WaitForHeightAsync(new Height(height + 3), Cancellation); // the counter moved at its start
        }

        Directory.Delete(State, recursive: true);
        Copy(folder.File("old"), State);
        int signed = chip.Signatures;
        await using GatewayNode old = await StartAsync(key);
        await WaitAsync(() => old.Chain.SigningRefusal is not null, "the old disk is noticed");
        Assert.Contains("old copy", old.Chain.SigningRefusal, StringComparison.Ordinal);
        await WaitAsync(() => chip.Signatures > signed + 3, "asked again and again");
        Assert.InRange(old.Chain.Height.Value, height, height + 1); // the last block of the copy at most
        Assert.Null(old.Failure);
    }

    private VerifyingKey MakeKeyAndTie()
    {
        string chain = Directory.CreateDirectory(Path.Combine(State, "chain")).FullName;
        using Atecc608Signer made = Atecc608Signer.Create(OpenChip(), slot: 0);
        CountedSignState.Tie(Path.Combine(chain, VotingKey.CounterFile), made);
        return made.PublicKey;
    }

    private Atecc608Chip OpenChip() => new(chip.Chip, chip.WakeLine, TimeProvider.System);

    private async Task<GatewayNode> StartAsync(VerifyingKey key)
    {
        var signer = WatchedSigner.Open(
            () => Atecc608Signer.Open(OpenChip(), slot: 0), key, hasCounter: true, TimeProvider.System);
        GatewayNode node = await GatewayNode.StartAsync(
            new GatewayNodeOptions
            {
                Folder = State,
                Genesis = new Genesis("chip-test", [new GenesisValidator(key, 1)], [key], [key]),
                Keys = new NodeKeys(signer, training),
                Features = RotatingMachines.Create(seed: 1, trainDevices: 1, testDevices: 1)
                    .ToFeatureSpecification(128, 64),
                Devices = [],
                TrainingDevices = [],
                Timeouts = new ConsensusTimeouts { IdleInterval = TimeSpan.FromMilliseconds(100) },
            },
            onCommitted: null, TimeProvider.System, NullLoggerFactory.Instance, Cancellation);
        node.Connect(new Dictionary<AccountId, IPEndPoint>());
        return node;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static Task WaitAsync(Func<bool> holds, string what) =>
        TokenGateway.WaitUntilAsync(() => Task.FromResult(holds()), what);
}
