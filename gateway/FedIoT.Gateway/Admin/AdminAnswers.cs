namespace FedIoT.Gateway.Admin;

// The answers of the admin API as they go over the socket and as --json prints them. A schema's members are never
// renamed or dropped under the same number; docs/spec/admin.md describes them and a test pins them. Hashes and accounts
// are 64 lower-case hexadecimal digits, times are milliseconds since 1970.

/// <summary>How the gateway is.</summary>
internal sealed record StatusAnswer
{
    public const string SchemaName = "fediot.status/1";

    public string Schema { get; init; } = SchemaName;

    public required string State { get; init; }

    public required IReadOnlyList<string> Reasons { get; init; }

    public required IReadOnlyList<string> Notes { get; init; }

    public required string Version { get; init; }

    public required int ProcessId { get; init; }

    public required double UptimeSeconds { get; init; }

    public required string Account { get; init; }

    public required string ChainId { get; init; }

    public required long Height { get; init; }

    public required long BlockTime { get; init; }

    public required int PeersConnected { get; init; }

    public required int PeersConfigured { get; init; }

    public required string ChainListen { get; init; }

    public required string MqttListen { get; init; }

    public required SignerItem Signer { get; init; }

    /// <summary>Of [keys] next_node; null for none.</summary>
    public required SignerItem? NextSigner { get; init; }

    public required SignerItem TrainingSigner { get; init; }

    public required bool IsRegistered { get; init; }

    public required int Devices { get; init; }

    public required long FramesAcknowledged { get; init; }

    public required long FramesStored { get; init; }

    public required long FramesRejected { get; init; }

    /// <summary>By reason; reasons that did not occur are not in it.</summary>
    public required IReadOnlyDictionary<string, long> FramesRejectedBy { get; init; }

    public required long ConnectionsRefused { get; init; }

    /// <summary>Likewise.</summary>
    public required IReadOnlyDictionary<string, long> ConnectionsRefusedBy { get; init; }

    public required int TasksRunning { get; init; }

    public required int TransactionsWaiting { get; init; }

    public required long StateFreeBytes { get; init; }

    /// <summary>Null without an alarm.</summary>
    public required long? CaseOpenedAt { get; init; }

    public required bool SigningIsLocked { get; init; }

    /// <summary>Zero while the join window is closed.</summary>
    public required int JoinWindowSeconds { get; init; }

    /// <summary>system, or chip when the system's clock is behind the clock chip.</summary>
    public required string TimeSource { get; init; }

    /// <summary>State: ok or degraded. CountsLeft: of the chip's counter, null where there is none.</summary>
    internal sealed record SignerItem(
        string State, string? Fault, string? Reason, string Algorithm, long Since, long? CountsLeft);
}

/// <summary>Where the chain stands here. State root: after the block of this height.</summary>
internal sealed record ChainStatusAnswer
{
    public const string SchemaName = "fediot.chain-status/1";

    public string Schema { get; init; } = SchemaName;

    public required string ChainId { get; init; }

    public required string GenesisHash { get; init; }

    public required string Account { get; init; }

    public required long Height { get; init; }

    /// <summary>The oldest block that is still here; 0 for none.</summary>
    public required long FirstHeight { get; init; }

    public required string BlockHash { get; init; }

    public required long BlockTime { get; init; }

    public required string StateRoot { get; init; }

    public required int Validators { get; init; }

    public required int PeersConnected { get; init; }

    public required int TransactionsWaiting { get; init; }

    public required long BytesSent { get; init; }

    public required long BytesReceived { get; init; }

    public required double FinalityMsP50 { get; init; }

    public required double FinalityMsP99 { get; init; }

    /// <summary>Why this gateway does not follow the chain, or not yet; null when it does.</summary>
    public required string? Problem { get; init; }
}

/// <summary>Newest blocks first.</summary>
/// <param name="Blocks">The blocks.</param>
/// <param name="FirstHeight">The oldest block that is still here; 0 for none.</param>
internal sealed record BlocksAnswer(IReadOnlyList<BlocksAnswer.BlockItem> Blocks, long FirstHeight)
{
    public const string SchemaName = "fediot.blocks/1";

    public string Schema { get; init; } = SchemaName;

    internal sealed record BlockItem(long Height, long Time, string Hash, string Proposer, int Transactions, int Bytes);
}

/// <summary>One block with its commit. <c>StateRoot</c> is the header's: the state before this block.</summary>
internal sealed record BlockAnswer
{
    public const string SchemaName = "fediot.block/1";

    public string Schema { get; init; } = SchemaName;

    public required long Height { get; init; }

    public required long Time { get; init; }

    public required string Hash { get; init; }

    public required string PreviousHash { get; init; }

    public required string StateRoot { get; init; }

    public required string ValidatorsHash { get; init; }

    public required string Proposer { get; init; }

    public required int CommitRound { get; init; }

    public required int CommitSignatures { get; init; }

    public required int Bytes { get; init; }

    public required IReadOnlyList<TransactionItem> Transactions { get; init; }
}

/// <summary>One transaction of a block. Result: applied, a reason of rejection, or unknown.</summary>
internal sealed record TransactionItem(
    string Hash, string Type, string Signer, ulong Nonce, int Bytes, string Result);

/// <summary>One transaction and where it stands.</summary>
internal sealed record TransactionAnswer(
    string Hash, long Height, int Position, string Type, string Signer, ulong Nonce, int Bytes, string Result)
{
    public const string SchemaName = "fediot.transaction/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>Who decides the next height, in the order of the set, and who joins at the one after.</summary>
internal sealed record ValidatorsAnswer(IReadOnlyList<ValidatorsAnswer.ValidatorItem> Validators)
{
    public const string SchemaName = "fediot.validators/1";

    public string Schema { get; init; } = SchemaName;

    internal sealed record ValidatorItem(
        string Account, string Algorithm, long Power, long NextPower, long Stake, long Points, int Strikes,
        bool IsSelf);
}

/// <summary>The other members and configured peers, by account.</summary>
internal sealed record PeersAnswer(int Connected, IReadOnlyList<PeersAnswer.PeerItem> Peers)
{
    public const string SchemaName = "fediot.peers/1";

    public string Schema { get; init; } = SchemaName;

    internal sealed record PeerItem(string Account, string Address)
    {
        public required string State { get; init; }

        public required string Standing { get; init; }

        public required string? Direction { get; init; }

        public required long? ConnectedSince { get; init; }

        public required long? Height { get; init; }

        public required long BytesReceived { get; init; }

        public required long BytesSent { get; init; }

        public required string? LastReason { get; init; }

        public required long? LastReasonAt { get; init; }

        public required double BannedSeconds { get; init; }
    }
}

/// <summary>Provable faults that the chain recorded, oldest first.</summary>
internal sealed record EvidenceAnswer(IReadOnlyList<EvidenceAnswer.EvidenceItem> Evidence)
{
    public const string SchemaName = "fediot.evidence/1";

    public string Schema { get; init; } = SchemaName;

    internal sealed record EvidenceItem(string Kind, string Account, long Height, string Task, int Round, string Hash)
    {
        public required long? OffenceHeight { get; init; }

        public required string? Messages { get; init; }

        public required long Slashed { get; init; }
    }
}

/// <summary>The tasks of the chain.</summary>
internal sealed record TasksAnswer(IReadOnlyList<TasksAnswer.TaskItem> Tasks)
{
    public const string SchemaName = "fediot.tasks/1";

    public string Schema { get; init; } = SchemaName;

    internal sealed record TaskItem(
        string Id, string Name, string Phase, int Round, int Rounds, int ModelVersion, int WaitingFor);
}

/// <summary>One task.</summary>
internal sealed record TaskAnswer
{
    public const string SchemaName = "fediot.task/1";

    public string Schema { get; init; } = SchemaName;

    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Phase { get; init; }

    public required int Round { get; init; }

    public required int Rounds { get; init; }

    public required string Rule { get; init; }

    public required int ByzantinePermille { get; init; }

    public required int PhaseBlocksMax { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    public required string FeaturesHash { get; init; }

    public required int Parameters { get; init; }

    public required IReadOnlyList<string> WaitingFor { get; init; }

    /// <summary>The newest at the end, at most 100.</summary>
    public required IReadOnlyList<ModelVersionItem> Versions { get; init; }

    internal sealed record ModelVersionItem(int Number, string Hash, int Round, long Height, int Deltas);
}

/// <summary>A task's newest model.</summary>
/// <param name="Task">Id of the task.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">Number of the model version; 0 = initial weights.</param>
/// <param name="Hash">Of the version, as the chain has it.</param>
/// <param name="Round">Round that made it.</param>
/// <param name="Height">Block that made it.</param>
/// <param name="Deltas">How many deltas it was made from.</param>
/// <param name="FileHash">SHA-256 of the file.</param>
/// <param name="File">The ONNX file in base 64.</param>
internal sealed record ModelAnswer(
    string Task, string Name, int Version, string Hash, int Round, long Height, int Deltas, string FileHash,
    string File)
{
    public const string SchemaName = "fediot.model/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>A task was handed to the chain; it exists once a block took it.</summary>
internal sealed record TaskAcceptedAnswer(string Id, string Name)
{
    public const string SchemaName = "fediot.task-accepted/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>A transaction waits for a block; its hash names it.</summary>
internal sealed record TransactionAcceptedAnswer(string Hash)
{
    public const string SchemaName = "fediot.transaction-accepted/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>A transaction of this gateway was handed to the chain; the chain shows what becomes of it.</summary>
internal sealed record SubmittedAnswer(string Hash, string Account)
{
    public const string SchemaName = "fediot.submitted/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>The gateway's own board.</summary>
internal sealed record StationAnswer
{
    public const string SchemaName = "fediot.station/1";

    public string Schema { get; init; } = SchemaName;

    public required IReadOnlyList<string> Parts { get; init; }

    public required IReadOnlyList<string> Problems { get; init; }

    public required long? CaseOpenedAt { get; init; }

    public required bool SigningIsLocked { get; init; }

    public required int JoinWindowSeconds { get; init; }

    /// <summary>Devices that connected in this window and are not enrolled.</summary>
    public required IReadOnlyList<string> Presented { get; init; }

    public required string TimeSource { get; init; }

    public required long Time { get; init; }
}

/// <summary>The newest log lines, oldest first.</summary>
internal sealed record LogAnswer(IReadOnlyList<string> Lines)
{
    public const string SchemaName = "fediot.log/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>A device that is to be enrolled; the password is made of its key, null for a key made here.</summary>
internal sealed record EnrolmentQuestion(string Device, string? Password);

/// <summary>A device may be enrolled now.</summary>
internal sealed record EnrolmentAnswer(string Device, bool KeyIsProved)
{
    public const string SchemaName = "fediot.enrolment/1";

    public string Schema { get; init; } = SchemaName;
}

/// <summary>Why there is no other answer: one sentence.</summary>
internal sealed record ProblemAnswer(string Problem)
{
    public const string SchemaName = "fediot.problem/1";

    public string Schema { get; init; } = SchemaName;
}
