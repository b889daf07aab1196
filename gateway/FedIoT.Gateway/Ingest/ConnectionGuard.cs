using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// Kestrel connection middleware in front of the broker: a connection reaches the broker only with a whole CONNECT
/// packet of bounded length that came in time, and then through a <see cref="GuardedReader"/>. Nothing is allocated
/// for what a peer claims; refused connections are closed without a word. Thread-safe.
/// </summary>
internal sealed class ConnectionGuard(IngestOptions options, TimeProvider time, IngestCounters counters)
{
    /// <summary>Longest CONNECT packet, in bytes: ids of 24, a password of 64, some properties.</summary>
    public const int ConnectBytesMax = 1024;

    /// <summary>Longest packet of a connected device, in bytes: a frame, its topic, some properties.</summary>
    public const int PacketBytesMax = 4096;

    private readonly Lock gate = new();
    private readonly LinkedList<HalfOpen> halfOpen = [];
    private readonly ConcurrentStack<CancellationTokenSource> spareLimits = [];

    /// <summary>Judges one connection, then runs the rest of the pipeline with it.</summary>
    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        PipeReader input = connection.Transport.Input;
        if (await ReadConnectAsync(input).ConfigureAwait(false) is { } refusal)
        {
            counters.Add(refusal);
            return; // Kestrel closes it; aborting would cost an exception for each attempt of an attacker
        }

        IDuplexPipe original = connection.Transport;
        var guarded = new GuardedReader(input, PacketBytesMax, () => counters.Add(ConnectionRefusal.PacketTooLarge));
        connection.Transport = new DuplexPipe(guarded, original.Output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = original;
        }
    }

    // Null when a whole CONNECT packet waits, unconsumed, in the pipe.
    private async Task<ConnectionRefusal?> ReadConnectAsync(PipeReader input)
    {
        CancellationTokenSource limit = Rent();
        var waiting = new HalfOpen(limit);
        LinkedListNode<HalfOpen> place = Enter(waiting);
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync(limit.Token).ConfigureAwait(false);
                ConnectionRefusal? refusal = Judge(result, out bool decided);
                input.AdvanceTo(result.Buffer.Start, decided ? result.Buffer.Start : result.Buffer.End);
                if (decided)
                {
                    return refusal;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return waiting.IsEvicted ? ConnectionRefusal.HalfOpenLimit : ConnectionRefusal.ConnectTooSlow;
        }
        catch (IOException)
        {
            return ConnectionRefusal.NotConnect; // the peer reset the connection
        }
        finally
        {
            Leave(place);
            waiting.Finish();
            Return(limit);
        }
    }

    private static ConnectionRefusal? Judge(in ReadResult result, out bool decided)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        decided = true;
        if (!buffer.IsEmpty && buffer.FirstSpan[0] != PacketHead.Connect << 4)
        {
            return ConnectionRefusal.NotConnect;
        }

        if (PacketHead.TryRead(buffer, out PacketHead head))
        {
            if (head.TotalBytes > ConnectBytesMax)
            {
                return ConnectionRefusal.ConnectTooLarge;
            }

            if (head.TotalBytes <= buffer.Length)
            {
                return null;
            }
        }

        decided = result.IsCompleted;
        return ConnectionRefusal.NotConnect;
    }

    // The oldest goes, not the newest: whoever opens many connections to wait in them cannot lock others out.
    private LinkedListNode<HalfOpen> Enter(HalfOpen connection)
    {
        LinkedListNode<HalfOpen> place;
        HalfOpen? oldest = null;
        lock (gate)
        {
            if (halfOpen.Count >= options.HalfOpenMax)
            {
                oldest = halfOpen.First!.Value;
                halfOpen.RemoveFirst();
            }

            place = halfOpen.AddLast(connection);
        }

        oldest?.Evict();
        return place;
    }

    // Token sources are used again, because an attacker's connections should cost as little as can be.
    private CancellationTokenSource Rent()
    {
        if (!spareLimits.TryPop(out CancellationTokenSource? limit))
        {
            return new CancellationTokenSource(options.ConnectTimeout, time);
        }

        limit.CancelAfter(options.ConnectTimeout);
        return limit;
    }

    private void Return(CancellationTokenSource limit)
    {
        if (spareLimits.Count < options.HalfOpenMax && limit.TryReset())
        {
            spareLimits.Push(limit);
        }
        else
        {
            limit.Dispose();
        }
    }

    private void Leave(LinkedListNode<HalfOpen> place)
    {
        lock (gate)
        {
            if (place.List is not null)
            {
                halfOpen.Remove(place);
            }
        }
    }

    // Eviction and the end of the wait are ordered, so that a reused token source is never cancelled by mistake.
    private sealed class HalfOpen(CancellationTokenSource limit)
    {
        private bool finished;

        public bool IsEvicted { get; private set; }

        public void Evict()
        {
            lock (this)
            {
                if (!finished)
                {
                    IsEvicted = true;
                    limit.Cancel();
                }
            }
        }

        public void Finish()
        {
            lock (this)
            {
                finished = true;
            }
        }
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
