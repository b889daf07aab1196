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
    private readonly FakeAtecc608 chip = Chip();
    private readonly FakeAtecc608 nextChip = Chip();
    private readonly Ed25519Signer training = Ed25519Signer.FromSeed(new byte[32]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string State => folder.File("state");

    public void Dispose()
    {
        training.Dispose();
        chip.Dispose();
        nextChip.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task StuckBusThenOldDisk_NodeDegradesRecoversAndNeverSignsWithAnOldMemory()
    {
        VerifyingKey key = MakeKeyAndTie();
        GatewayNode node = await StartAsync(key);
        await using (node)
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
        }

        long height = node.Chain.Height.Value; // it decided blocks until it had stopped

        Copy(State, folder.File("old"));
        await using (GatewayNode again = await StartAsync(key))
        {
            await again.Chain.WaitForHeightAsync(new Height(height + 3), Cancellation); // its counter moved
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

    [Fact]
    public async Task RotateFromChipToChip_EachKeyHasItsOwnTieAndAnOldDiskSignsWithNeither()
    {
        VerifyingKey key = MakeKeyAndTie();
        VerifyingKey next = MakeKey(nextChip);
        await using (GatewayNode node = await StartAsync(key, next))
        {
            await node.Chain.WaitForHeightAsync(new Height(2), Cancellation);
        }

        Copy(State, folder.File("old"));
        Assert.Equal((0u, 2u), (nextChip.Counter(0), chip.Counter(0)));
        await using (GatewayNode node = await StartAsync(key, next))
        {
            nextChip.Inject(ChipFault.StuckBus, 1);
            await WaitAsync(() => node.NextKeyHealth is { IsWorking: false } || !TrySign(node), "next degraded");
            Assert.True(node.VotingKeyHealth.IsWorking);
            Assert.Throws<SignerException>(() => node.Chain.PrepareKey(next.Account));
            nextChip.Heal();
            await WaitAsync(() => node.NextKeyHealth is { IsWorking: true }, "next works again by itself");
            node.Chain.PrepareKey(next.Account);
            Assert.Null(await node.Sender.RotateAsync(node.Signers.NextNode!, Cancellation));
            await WaitAsync(() => node.Chain.Account == next.Account, "signs with the next key");
            await node.Chain.WaitForHeightAsync(new Height(node.Chain.Height.Value + 3), Cancellation);
            Assert.True(node.VotesWithNext);
            Assert.Equal((1u, 3u), (nextChip.Counter(0), chip.Counter(0)));
            Assert.Equal(2_097_150, node.Chain.CountsLeftOf(next.Account));
            Assert.Equal(2_097_148, node.Chain.CountsLeftOf(key.Account));
            Assert.Null(node.Failure);
        }

        long height;
        await using (GatewayNode node = await StartAsync(key, next))
        {
            await node.Chain.WaitForHeightAsync(new Height(node.Chain.Height.Value + 3), Cancellation);
            height = node.Chain.Height.Value;
            Assert.Equal(next.Account, node.Chain.Account);
        }

        Directory.Delete(State, recursive: true);
        Copy(folder.File("old"), State);
        await using GatewayNode old = await StartAsync(key, next);
        await WaitAsync(() => old.Chain.SigningRefusal is not null, "the old disk is noticed");
        Assert.True(old.Chain.Height.Value < height);
        SignerException refused = Assert.Throws<SignerException>(() => old.Chain.PrepareKey(next.Account));
        Assert.Contains("in use before", refused.Message, StringComparison.Ordinal);
    }

    // Its watchdog is another test's: here it would measure how busy this machine is.
    private static FakeAtecc608 Chip() => new(TimeProvider.System) { Watchdog = TimeSpan.FromHours(1) };

    // A degraded key is found at its next use; nothing uses the next key before the change.
    private static bool TrySign(GatewayNode node)
    {
        try
        {
            node.Signers.NextNode!.Sign("probe"u8, new byte[VerifyingKey.SignatureLength]);
            return true;
        }
        catch (SignerException)
        {
            return false;
        }
    }

    private static VerifyingKey MakeKey(FakeAtecc608 of)
    {
        using Atecc608Signer made = Atecc608Signer.Create(OpenChip(of), slot: 0);
        return made.PublicKey;
    }

    private VerifyingKey MakeKeyAndTie()
    {
        string chain = Directory.CreateDirectory(Path.Combine(State, "chain")).FullName;
        using Atecc608Signer made = Atecc608Signer.Create(OpenChip(chip), slot: 0);
        VotingKey.Tie(chain, made.PublicKey.Account, made);
        return made.PublicKey;
    }

    private static Atecc608Chip OpenChip(FakeAtecc608 of) => new(of.Chip, of.WakeLine, TimeProvider.System);

    private static WatchedSigner Watch(FakeAtecc608 of, VerifyingKey key) => WatchedSigner.Open(
        () => Atecc608Signer.Open(OpenChip(of), slot: 0), key, hasCounter: true, TimeProvider.System);

    private async Task<GatewayNode> StartAsync(VerifyingKey key, VerifyingKey? next = null)
    {
        GatewayNode node = await GatewayNode.StartAsync(
            new GatewayNodeOptions
            {
                Folder = State,
                Genesis = new Genesis("chip-test", [new GenesisValidator(key, 1)], [key], [key]),
                Keys = new NodeKeys(Watch(chip, key), training)
                {
                    NextNode = next is null ? null : Watch(nextChip, next),
                },
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
