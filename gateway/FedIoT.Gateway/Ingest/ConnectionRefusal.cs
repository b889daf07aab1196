namespace FedIoT.Gateway.Ingest;

/// <summary>Why a connection was closed. The peer is not told which.</summary>
public enum ConnectionRefusal
{
    /// <summary>The first packet was no CONNECT.</summary>
    NotConnect,

    /// <summary>The CONNECT packet claimed more bytes than one may have; none of them were read.</summary>
    ConnectTooLarge,

    /// <summary>The CONNECT packet was not there in time.</summary>
    ConnectTooSlow,

    /// <summary>It was the oldest of too many connections that had not sent their CONNECT.</summary>
    HalfOpenLimit,

    /// <summary>The client id is no enrolled device.</summary>
    UnknownDevice,

    /// <summary>The user name is not the client id.</summary>
    WrongUserName,

    /// <summary>The password is not the one of the device's key.</summary>
    WrongPassword,

    /// <summary>The CONNECT packet had a will, or asked for an authentication method.</summary>
    NotAllowed,

    /// <summary>A later packet claimed more bytes than a device's packet may have.</summary>
    PacketTooLarge,

    /// <summary>Nothing came for one and a half keep-alive periods.</summary>
    KeepAliveMissed,
}
