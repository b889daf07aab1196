namespace FedIoT.Signing;

/// <summary>Why a token did not do what it was asked: what a node shows in its status and what it does next.</summary>
public enum SignerFault
{
    /// <summary>Nothing answers there: token removed, service stopped, wrong bus, address or label.</summary>
    Absent = 1,

    /// <summary>It answers that it cannot now; the same call may succeed later.</summary>
    Busy = 2,

    /// <summary>The PIN was refused. It is not tried again until somebody gives another one.</summary>
    PinRefused = 3,

    /// <summary>One try is left before the token locks. A program does not take it.</summary>
    PinLastTry = 4,

    /// <summary>The token locked its PIN; only its security officer can unlock it.</summary>
    PinLocked = 5,

    /// <summary>No PIN where one was announced.</summary>
    PinMissing = 6,

    /// <summary>The key is not there, or not the one that was there before.</summary>
    KeyMissing = 7,

    /// <summary>The key can leave the token, or has a type that the chain does not know.</summary>
    KeyUnsuitable = 8,

    /// <summary>Bytes were damaged on the way, even after the permitted retries.</summary>
    Communication = 9,

    /// <summary>The chip's configuration does not permit the command.</summary>
    Refused = 10,

    /// <summary>The device found itself broken, or gave a signature that does not verify.</summary>
    Broken = 11,
}
