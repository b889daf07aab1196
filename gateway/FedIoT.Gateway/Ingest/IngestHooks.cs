namespace FedIoT.Gateway.Ingest;

/// <summary>Places where a test holds or breaks the pipeline; empty in the product.</summary>
internal sealed record IngestHooks
{
    /// <summary>Runs before each sync of the journal.</summary>
    public Func<Task>? BeforeSync { get; init; }

    /// <summary>Runs before each transaction of the feature store.</summary>
    public Func<Task>? BeforeStore { get; init; }
}
