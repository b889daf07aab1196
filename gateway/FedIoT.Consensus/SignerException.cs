namespace FedIoT.Consensus;

/// <summary>A signer could not sign. The message names the operation, the key's place and the next step.</summary>
public sealed class SignerException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Operation, place, next step. Never key material.</param>
    /// <param name="inner">What the token or the file system said.</param>
    public SignerException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
