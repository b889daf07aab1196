using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Operate;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

public sealed class TextTests
{
    private static readonly string Hash = Hash256.Of("x"u8).ToString();
    private static readonly string LongName = new('n', 64);

    [Fact]
    public void EveryText_FitsEightyColumns()
    {
        const long Large = 999_999_999_999;
        string[] texts =
        [
            StatusCommand.Show(Status([LongName + LongName])),
            ChainText.Show(new BlocksAnswer([new BlocksAnswer.BlockItem(Large, Large, Hash, Hash, 8192, 4 << 20)], 1)),
            ChainText.Show(new ValidatorsAnswer(
                [new ValidatorsAnswer.ValidatorItem(Hash, "ed25519", 65_536, 65_536, 65_536_000, 999_999, 999, true)])),
            ChainText.Show(new PeersAnswer(1, [Peer(isConnected: true), Peer(isConnected: false)])),
            ChainText.Show(new EvidenceAnswer([Evidence("MissingReveal", null), Evidence("Equivocation", Large)])),
            ChainText.Show(new TransactionAnswer(Hash, Large, 8191, "CommitDeltas", Hash, 1, 1 << 20, "applied")),
            TasksCommand.Text(new TasksAnswer(
                [new TasksAnswer.TaskItem(Hash, LongName, "Statistics", 100_000, 100_000, 100_000, 256)])),
            TasksCommand.Text(Task(LongName)),
        ];
        Assert.All(texts.SelectMany(t => t.Split('\n')), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void ForeignText_CannotMoveTheCursor()
    {
        string text = TasksCommand.Text(Task("a\u001b[2Jb\u202ec\r\nd"));
        Assert.Contains("a?[2Jb?c??d", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void Status_BeginsWithTheVerdictAndItsReasons() =>
        Assert.StartsWith("DEGRADED\n  1 of 3 peers are connected\nchain", StatusCommand.Show(
            Status(["1 of 3 peers are connected"])), StringComparison.Ordinal);

    [Fact]
    public void Status_RefusedDevices_SaysWhy() => Assert.Matches(
        "(?m)^refused +3 UnknownDevice, 4 WrongPassword$", StatusCommand.Show(Status(["r"])));

    private static PeersAnswer.PeerItem Peer(bool isConnected) => new(Hash, LongName + ":7400")
    {
        State = isConnected ? "connected" : "disconnected",
        Standing = "validator",
        Direction = isConnected ? "out" : null,
        ConnectedSince = isConnected ? 1_790_000_000_000 : null,
        Height = isConnected ? 123_456_789 : null,
        BytesReceived = 1L << 40,
        BytesSent = 1L << 40,
        LastReason = isConnected ? null : "Unreachable: ConnectionRefused",
        LastReasonAt = null,
        BannedSeconds = 0,
    };

    private static EvidenceAnswer.EvidenceItem Evidence(string kind, long? offence) =>
        new(kind, Hash, 999_999_999, Hash, 100_000, Hash)
        {
            OffenceHeight = offence,
            Messages = offence is null ? null : "precommits",
            Slashed = 65_536_000,
        };

    private static StatusAnswer Status(string[] reasons) => new()
    {
        State = "degraded",
        Reasons = reasons,
        Version = "0.1.0",
        ProcessId = 4_194_304,
        UptimeSeconds = 1e8,
        Account = Hash,
        ChainId = new string('c', 32),
        Height = 123_456_789,
        BlockTime = 1_790_000_000_000,
        PeersConnected = 1,
        PeersConfigured = 3,
        ChainListen = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535",
        MqttListen = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535",
        Notes = [],
        Signer = new StatusAnswer.SignerItem("degraded", "Absent", "away", "ed25519", 1_790_000_000_000, 2_097_151),
        NextSigner = new StatusAnswer.SignerItem("ok", null, null, "p256", 1_790_000_000_000, 1),
        TrainingSigner = new StatusAnswer.SignerItem("ok", null, null, "ed25519", 1_790_000_000_000, null),
        IsRegistered = true,
        Devices = 10_000,
        FramesAcknowledged = 1,
        FramesStored = long.MaxValue,
        FramesRejected = long.MaxValue,
        FramesRejectedBy = Enum.GetNames<FedIoT.Wire.Frames.FrameRejection>().ToDictionary(r => r, _ => long.MaxValue),
        ConnectionsRefused = 7,
        ConnectionsRefusedBy = new Dictionary<string, long> { ["WrongPassword"] = 4, ["UnknownDevice"] = 3 },
        TasksRunning = 1024,
        TransactionsWaiting = 32_768,
        StateFreeBytes = long.MaxValue,
        CaseOpenedAt = 1_790_000_000_000,
        SigningIsLocked = true,
        JoinWindowSeconds = 599,
        TimeSource = "system",
    };

    private static TaskAnswer Task(string name) => new()
    {
        Id = Hash,
        Name = name,
        Phase = "Commit",
        Round = 1,
        Rounds = 2,
        Rule = "nnm-trimmed-mean",
        ByzantinePermille = 250,
        PhaseBlocksMax = 100,
        Classes = [.. Enumerable.Repeat(LongName, 5)],
        FeaturesHash = Hash,
        Parameters = 1 << 20,
        WaitingFor = [.. Enumerable.Repeat(Hash, 20)],
        Versions = [new TaskAnswer.ModelVersionItem(0, Hash, 0, 1, 0)],
    };
}
