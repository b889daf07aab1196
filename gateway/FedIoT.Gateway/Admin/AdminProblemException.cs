namespace FedIoT.Gateway.Admin;

/// <summary>A request that has no answer; becomes a <see cref="ProblemAnswer"/> with this status.</summary>
internal sealed class AdminProblemException(int status, string message) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;
}
