using FedIoT.Consensus;

namespace FedIoT.Signing;

/// <summary>
/// What went wrong with a token, typed. Signers put it inside the <see cref="SignerException"/> that they throw;
/// <see cref="FaultOf"/> gets it out again.
/// </summary>
public sealed class TokenException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="fault">What kind of trouble.</param>
    /// <param name="operation">What was tried, such as "sign".</param>
    /// <param name="message">For people: place, cause, next step. Never a PIN or key.</param>
    /// <param name="code">The device's own number; 0 where it gave none.</param>
    /// <param name="inner">What the library or the bus said.</param>
    public TokenException(
        SignerFault fault, string operation, string message, ulong code = 0, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        Operation = operation;
        Code = code;
    }

    /// <summary>What kind of trouble.</summary>
    public SignerFault Fault { get; }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>The device's own number (CKR_… of PKCS#11, status byte of a chip); 0 where it gave none.</summary>
    public ulong Code { get; }

    /// <summary>The kind of trouble that a signer reported; null when it came from no token.</summary>
    /// <param name="error">What a signer threw.</param>
    public static SignerFault? FaultOf(SignerException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return (error.InnerException as TokenException)?.Fault;
    }

    /// <summary>The exception of the signer contract around this one.</summary>
    internal SignerException ToSignerException() => new(Message, this);
}
