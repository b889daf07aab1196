namespace FedIoT.Ledger;

/// <summary>
/// Why a transaction was not applied. Reasons below 20 leave the state as it was; from 20 on the signer's nonce is
/// used up (docs/spec/transactions.md "Nonces").
/// </summary>
public enum RejectionReason
{
    /// <summary>Longer than a transaction may be.</summary>
    TooLarge = 1,

    /// <summary>Not exactly one transaction in deterministic form.</summary>
    Malformed = 2,

    /// <summary>For another chain.</summary>
    WrongChain = 3,

    /// <summary>No account has the signer's key.</summary>
    UnknownSigner = 4,

    /// <summary>The signature is not the registered key's.</summary>
    BadSignature = 5,

    /// <summary>The nonce was used before.</summary>
    NonceStale = 6,

    /// <summary>A nonce before this one is missing (in the mempool: too many are).</summary>
    NonceGap = 7,

    /// <summary>The block's gas does not suffice; it may stand in a later block.</summary>
    BlockGasExceeded = 8,

    /// <summary>The validator has paid for it, or has nothing to lose.</summary>
    EvidenceStale = 9,

    /// <summary>The key was replaced; the account signs with another one.</summary>
    KeyRetired = 15,

    /// <summary>The key was revoked; its account signs nothing any more.</summary>
    KeyRevoked = 16,

    /// <summary>Evidence of a height at which the key had no say.</summary>
    EvidenceOutsideKey = 17,

    /// <summary>Evidence of a height that is too long ago.</summary>
    EvidenceTooOld = 18,

    /// <summary>Evidence of a height that is not there yet.</summary>
    EvidenceTooEarly = 19,

    /// <summary>Only an administrator may do this.</summary>
    NotAdministrator = 20,

    /// <summary>Only a gateway may do this.</summary>
    NotGateway = 21,

    /// <summary>The key is a gateway already.</summary>
    GatewayExists = 22,

    /// <summary>The chain has as many gateways as it may.</summary>
    TooManyGateways = 23,

    /// <summary>A training key is an Ed25519 key.</summary>
    TrainingKeyAlgorithm = 24,

    /// <summary>The device belongs to a gateway already.</summary>
    DeviceExists = 25,

    /// <summary>The chain has as many devices as it may.</summary>
    TooManyDevices = 26,

    /// <summary>It is, or was just before, the gateway's training key.</summary>
    TrainingKeyUsed = 27,

    /// <summary>A round is open that needs the gateway's training key before the present one.</summary>
    TrainingKeyTooSoon = 28,

    /// <summary>Not a valid task specification.</summary>
    TaskMalformed = 30,

    /// <summary>The model is larger than the chain takes.</summary>
    TaskTooLarge = 31,

    /// <summary>The task, or one of its name, exists.</summary>
    TaskExists = 32,

    /// <summary>The chain has as many tasks as it may.</summary>
    TooManyTasks = 33,

    /// <summary>There is no such task.</summary>
    UnknownTask = 34,

    /// <summary>The task is in another phase.</summary>
    WrongPhase = 35,

    /// <summary>The task is in another round.</summary>
    WrongRound = 36,

    /// <summary>The gateway gave its sums before.</summary>
    StatisticsExist = 40,

    /// <summary>No device, or not one sum of each kind for every feature.</summary>
    StatisticsShape = 41,

    /// <summary>The sums cannot come from int16 features.</summary>
    StatisticsOutOfRange = 42,

    /// <summary>Devices are not strictly ascending.</summary>
    DeviceOrder = 43,

    /// <summary>There is no such device, or it is another gateway's.</summary>
    DeviceNotOwned = 44,

    /// <summary>Only an account with voting power may do this.</summary>
    NotValidator = 45,

    /// <summary>There is no such account, or it is neither a gateway nor a validator.</summary>
    NotCandidate = 46,

    /// <summary>No set that consensus can work with would have this power in it.</summary>
    PowerOutOfRange = 47,

    /// <summary>The validator has as many standing votes as it may; take one back.</summary>
    TooManyVotes = 48,

    /// <summary>The account has this power already, and there is no vote to take back.</summary>
    PowerUnchanged = 49,

    /// <summary>The gateway had no device or training key when the round opened.</summary>
    NotExpected = 50,

    /// <summary>The gateway committed before in this round.</summary>
    AlreadyCommitted = 51,

    /// <summary>More deltas than the gateway has devices.</summary>
    TooManyDeltas = 52,

    /// <summary>The round cannot take so many deltas any more.</summary>
    RoundFull = 53,

    /// <summary>The key is or was somebody's node key; a key belongs to one account for ever.</summary>
    NodeKeyUsed = 54,

    /// <summary>The present key is not in force yet.</summary>
    RotationTooSoon = 55,

    /// <summary>The account changed its key as often as it may.</summary>
    TooManyRotations = 56,

    /// <summary>The new key did not sign that it comes to this account.</summary>
    KeyProofInvalid = 57,

    /// <summary>The only validator cannot leave: nobody would decide blocks.</summary>
    LastValidator = 58,

    /// <summary>Reserved: no vote gives a lost key back on this version of the chain.</summary>
    RecoveryReserved = 59,

    /// <summary>The gateway committed to nothing in this round.</summary>
    NothingCommitted = 60,

    /// <summary>The gateway showed its deltas before.</summary>
    AlreadyRevealed = 61,

    /// <summary>Other deltas than committed to. A provable fault.</summary>
    RevealMismatch = 62,

    /// <summary>Not a signed delta. A provable fault, as all below.</summary>
    DeltaMalformed = 63,

    /// <summary>A delta is not signed by the gateway's training key.</summary>
    DeltaSignature = 64,

    /// <summary>A delta is for another task or round.</summary>
    DeltaElsewhere = 65,

    /// <summary>A delta starts from another model version.</summary>
    DeltaBase = 66,

    /// <summary>A delta has not one value a parameter.</summary>
    DeltaLength = 67,

    /// <summary>A delta holds -128; the range is -127 to 127.</summary>
    DeltaRange = 68,

    /// <summary>A delta is for a device that is not the gateway's.</summary>
    DeltaDevice = 69,

    /// <summary>Deltas are not strictly ascending by device: also two of one device.</summary>
    DeltaOrder = 70,

    /// <summary>A delta equals another one of the round, and is not all zero.</summary>
    DeltaDuplicate = 71,
}
