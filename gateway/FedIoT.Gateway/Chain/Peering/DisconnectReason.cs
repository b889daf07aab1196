namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Why a connection ended or never began; counted for each peer network. docs/spec/peering.md §6.</summary>
public enum DisconnectReason
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>The peer or the network ended it.</summary>
    Closed,

    /// <summary>This node stops.</summary>
    Stopping,

    /// <summary>The same peer connected anew.</summary>
    Replaced,

    /// <summary>No complete frame for 30 s.</summary>
    Silent,

    /// <summary>The peer took nothing for 30 s.</summary>
    DoesNotRead,

    /// <summary>Not through TLS and hello within 10 s.</summary>
    HandshakeTimeout,

    /// <summary>No TLS 1.3, or its handshake failed.</summary>
    TlsFailed,

    /// <summary>A certificate is missing or carries no binding of the expected form.</summary>
    NoBinding,

    /// <summary>The binding, or the hello, has another version.</summary>
    OtherVersion,

    /// <summary>The binding, or the hello, names another chain.</summary>
    OtherChain,

    /// <summary>Who it says to be is neither in the validator set nor admitted to follow the chain.</summary>
    NotAMember,

    /// <summary>The node key did not sign the certificate's key.</summary>
    BadBinding,

    /// <summary>The node reached itself.</summary>
    Itself,

    /// <summary>Another validator answered than the one that was dialled.</summary>
    OtherPeer,

    /// <summary>The first frame is no hello.</summary>
    NoHello,

    /// <summary>A frame type that does not exist, or is not allowed now.</summary>
    UnknownFrame,

    /// <summary>A frame longer than its type allows.</summary>
    FrameTooLong,

    /// <summary>Parts of a message that are short, mixed or of a type that has none.</summary>
    BadParts,

    /// <summary>A message that is not of the canonical form, or contradicts itself.</summary>
    MalformedMessage,

    /// <summary>A message with an invalid signature.</summary>
    BadSignature,

    /// <summary>More useless messages than an honest node sends.</summary>
    Flooding,

    /// <summary>A manifest or a chunk of a snapshot that is not what it claims to be.</summary>
    BadSnapshot,

    /// <summary>The peer or its address waits for the end of a ban.</summary>
    Banned,

    /// <summary>Too many handshakes at once, from one address or in all.</summary>
    TooManyHandshakes,

    /// <summary>The last height that the peer decides is over, and it may not follow.</summary>
    NoLongerMember,

    /// <summary>The peer is connected already, by the connection that both keep.</summary>
    Duplicate,

    /// <summary>As many peers follow without voting as this node takes.</summary>
    TooManyFollowers,

    /// <summary>This node has another node key, and connects again under that one.</summary>
    KeyChanged,

    /// <summary>Nobody answers at the peer's address.</summary>
    Unreachable,
}
