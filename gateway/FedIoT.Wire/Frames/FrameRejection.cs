namespace FedIoT.Wire.Frames;

/// <summary>Why a device's frame was not stored. Counted by reason; the numbers may change between versions.</summary>
public enum FrameRejection
{
    /// <summary>Not rejected.</summary>
    None,

    /// <summary>The payload is longer than <see cref="DeviceFrame.BytesMax"/>.</summary>
    TooLong,

    /// <summary>Not exactly one frame in deterministic CBOR, or a field outside its range.</summary>
    Malformed,

    /// <summary>Well-formed, but of a version that this gateway does not know.</summary>
    UnsupportedVersion,

    /// <summary>Published with a quality of service other than 1: no acknowledgement to rely on.</summary>
    WrongQualityOfService,

    /// <summary>Published with the retain flag.</summary>
    Retained,

    /// <summary>Published to a topic other than the connected device's own.</summary>
    ForeignTopic,

    /// <summary>The key id names a device that is not enrolled.</summary>
    UnknownDevice,

    /// <summary>The key id names an enrolled device other than the one the topic names.</summary>
    ForeignKeyId,

    /// <summary>The tag is not the one of this device's key for this topic.</summary>
    ForgedTag,

    /// <summary>Authentic, but made for another feature specification, or with another count of features.</summary>
    OtherSpecification,

    /// <summary>Authentic and already stored; acknowledged as success: a lost acknowledgement causes it.</summary>
    Duplicate,

    /// <summary>Authentic, but of an earlier boot or more than 63 behind: it may be old or new.</summary>
    Stale,

    /// <summary>The gateway could not make it durable; the connection is closed, the device sends it again.</summary>
    NotDurable,
}
