using System.Buffers.Binary;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using Microsoft.Data.Sqlite;

namespace FedIoT.Storage.Features;

/// <summary>
/// The features of a gateway's devices, in one SQLite file (WAL): what training, evaluation and inference read. One
/// file holds frames of one feature specification.
/// </summary>
/// <remarks>
/// <para>Thread-safe: writes run on one connection, reads on another, each behind its lock; a reader sees whole
/// transactions.</para>
/// <para><c>synchronous=NORMAL</c>: a committed transaction survives a killed process, but at a power cut the newest
/// ones may be gone (never half of one). That is enough because the ingest journal keeps every frame until
/// <see cref="TryMakeDurable"/> said that the database file holds it, and inserting a frame again is ignored.</para>
/// </remarks>
public sealed class FeatureStore : IDisposable
{
    /// <summary>Windows that are kept of each device, purpose and label where nothing else is said.</summary>
    public const int WindowsKeptDefault = 10_000;

    /// <summary>Fewer could forget what the replay windows need at start.</summary>
    public const int WindowsKeptMin = 64;

    private const int SchemaVersion = 2;
    private const int SchemaVersionWithoutCounts = 1;

    private readonly Lock writeGate = new();
    private readonly Lock readGate = new();
    private readonly string path;
    private readonly SqliteConnection writer;
    private readonly SqliteConnection reader;
    private readonly WindowBound bound;
    private readonly Dictionary<DeviceId, long> deviceNumbers = [];
    private SqliteCommand? insert;

    private FeatureStore(string path, int windowsKept)
    {
        this.path = path;
        writer = new SqliteConnection(ConnectionString(path));
        reader = new SqliteConnection(ConnectionString(path));
        bound = new WindowBound(writer, windowsKept);
    }

    /// <summary>Opens or creates the file.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="specification">Hash of the feature specification that all frames in it belong to.</param>
    /// <param name="windowsKept">
    /// Windows to keep of each device, purpose and label, <see cref="WindowsKeptMin"/> or more; the oldest ones beyond,
    /// and a quarter, are deleted.
    /// </param>
    /// <exception cref="StorageException">
    /// Not accessible, no SQLite file, another schema version or another specification; the message names the file.
    /// </exception>
    public static FeatureStore Open(string path, Hash256 specification, int windowsKept = WindowsKeptDefault)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(windowsKept, WindowsKeptMin);
        var store = new FeatureStore(Path.GetFullPath(path), windowsKept);
        bool opened = false;
        try
        {
            store.writer.Open();
            Execute(store.writer, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;");
            Execute(store.writer, "PRAGMA wal_autocheckpoint=0;"); // TryMakeDurable decides when
            store.CreateOrCheckSchema(specification);
            store.LoadDevices();
            store.bound.Load();
            store.reader.Open();
            Execute(store.reader, "PRAGMA query_only=ON;");
            opened = true;
            return store;
        }
        catch (SqliteException e)
        {
            throw new StorageException("open", store.path, e.Message, e);
        }
        finally
        {
            if (!opened)
            {
                store.Dispose();
            }
        }
    }

    /// <summary>Stores frames in one transaction; those that are there already are ignored.</summary>
    /// <returns>How many were new.</returns>
    /// <exception cref="StorageException">The database failed; nothing of the batch is stored.</exception>
    public int Insert(IReadOnlyList<StoredFrame> frames)
    {
        ArgumentNullException.ThrowIfNull(frames);
        lock (writeGate)
        {
            try
            {
                using SqliteTransaction transaction = writer.BeginTransaction(deferred: false);
                int added = 0;
                foreach (StoredFrame frame in frames)
                {
                    added += Insert(frame, transaction);
                }

                bound.Apply(transaction);
                transaction.Commit();
                return added;
            }
            catch (SqliteException e)
            {
                ForgetRolledBack();
                throw new StorageException("insert frames into", path, e.Message, e);
            }
        }
    }

    /// <summary>
    /// Moves the write-ahead log into the database file and syncs it, so that everything inserted before survives a
    /// power cut.
    /// </summary>
    /// <returns>False when a reader stood in the way; try again later.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public bool TryMakeDurable()
    {
        lock (writeGate)
        {
            try
            {
                using SqliteCommand command = writer.CreateCommand();
                command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE);";
                using SqliteDataReader row = command.ExecuteReader();
                return row.Read() && row.GetInt64(0) == 0;
            }
            catch (SqliteException e)
            {
                throw new StorageException("checkpoint", path, e.Message, e);
            }
        }
    }

    /// <summary>Count of all stored frames.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public long CountFrames() => Query("SELECT coalesce(sum(count), 0) FROM counts", [], row => row.GetInt64(0))[0];

    /// <summary>The devices that frames are stored of, in their order.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public IReadOnlyList<DeviceId> Devices() =>
        Query("SELECT name FROM devices ORDER BY name", [], row => new DeviceId(row.GetString(0)));

    /// <summary>All windows of a device with one purpose, in the order of (boot, sequence).</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public FeatureSamples ReadSamples(DeviceId device, FramePurpose purpose)
    {
        var labels = new List<byte>();
        List<short[]> rows = Query(
            """
            SELECT features, label FROM frames JOIN devices ON devices.number = frames.device
            WHERE devices.name = $name AND purpose = $purpose ORDER BY boot, sequence
            """,
            [("$name", device.Text), ("$purpose", (long)purpose)],
            row =>
            {
                labels.Add(row.GetByte(1));
                return Decode(row.GetFieldValue<byte[]>(0));
            });
        return new FeatureSamples([.. rows], [.. labels]);
    }

    /// <summary>For each device the highest sequence numbers of its newest boot.</summary>
    /// <param name="count">How many of each.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public IReadOnlyList<StoredSequences> ReadNewestSequences(int count)
    {
        var newest = new List<StoredSequences>();
        foreach (DeviceId device in Devices())
        {
            List<(uint Boot, uint Sequence)> found = Query(
                """
                SELECT boot, sequence FROM frames JOIN devices ON devices.number = frames.device
                WHERE devices.name = $name ORDER BY boot DESC, sequence DESC LIMIT $count
                """,
                [("$name", device.Text), ("$count", count)],
                row => ((uint)row.GetInt64(0), (uint)row.GetInt64(1)));
            if (found.Count > 0)
            {
                uint boot = found[0].Boot;
                uint[] sequences = [.. found.Where(f => f.Boot == boot).Select(f => f.Sequence)];
                newest.Add(new StoredSequences(device, boot, sequences));
            }
        }

        return newest;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (writeGate)
        {
            lock (readGate)
            {
                insert?.Dispose();
                reader.Dispose();
                writer.Dispose();
            }
        }
    }

    private static string ConnectionString(string path) => new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Pooling = false, // two connections for the life of the store; a pool would keep the file open after it
        DefaultTimeout = 5,
    }.ToString();

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static short[] Decode(byte[] bytes)
    {
        var features = new short[bytes.Length / sizeof(short)];
        for (int i = 0; i < features.Length; i++)
        {
            features[i] = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(i * sizeof(short)));
        }

        return features;
    }

    private void CreateOrCheckSchema(Hash256 specification)
    {
        using SqliteTransaction transaction = writer.BeginTransaction(deferred: false);
        Execute(
            writer,
            """
            CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL, specification TEXT NOT NULL) STRICT;
            CREATE TABLE IF NOT EXISTS devices (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
            CREATE TABLE IF NOT EXISTS frames (
                device INTEGER NOT NULL REFERENCES devices(number),
                boot INTEGER NOT NULL, sequence INTEGER NOT NULL, uptime INTEGER NOT NULL,
                purpose INTEGER NOT NULL, label INTEGER NOT NULL, features BLOB NOT NULL,
                PRIMARY KEY (device, boot, sequence)) STRICT, WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS counts (
                device INTEGER NOT NULL REFERENCES devices(number), purpose INTEGER NOT NULL, label INTEGER NOT NULL,
                count INTEGER NOT NULL, PRIMARY KEY (device, purpose, label)) STRICT, WITHOUT ROWID;
            """);
        bool isNew = true;
        bool isCounted = true;
        using SqliteCommand command = writer.CreateCommand();
        command.CommandText = "SELECT version, specification FROM schema";
        using (SqliteDataReader row = command.ExecuteReader())
        {
            if (row.Read())
            {
                CheckSchema(row.GetInt64(0), row.GetString(1), specification);
                isNew = false;
                isCounted = row.GetInt64(0) != SchemaVersionWithoutCounts;
            }
        }

        if (!isCounted)
        {
            Execute(
                writer,
                $"""
                INSERT INTO counts
                SELECT device, purpose, label, count(*) FROM frames GROUP BY device, purpose, label;
                UPDATE schema SET version = {SchemaVersion};
                """);
        }

        if (isNew)
        {
            AddSchemaRow(specification);
        }

        transaction.Commit();
    }

    private void AddSchemaRow(Hash256 specification)
    {
        using SqliteCommand command = writer.CreateCommand();
        command.CommandText = "INSERT INTO schema VALUES ($version, $specification)";
        command.Parameters.AddWithValue("$version", SchemaVersion);
        command.Parameters.AddWithValue("$specification", specification.ToString());
        command.ExecuteNonQuery();
    }

    private void CheckSchema(long version, string found, Hash256 specification)
    {
        if (version is not (SchemaVersion or SchemaVersionWithoutCounts))
        {
            throw new StorageException(
                "open", path, $"it has schema version {version}, this program reads version {SchemaVersion}.");
        }

        if (found != specification.ToString())
        {
            throw new StorageException(
                "open", path, $"it holds frames of specification {found}, not of {specification}.");
        }
    }

    private void LoadDevices()
    {
        using SqliteCommand command = writer.CreateCommand();
        command.CommandText = "SELECT number, name FROM devices";
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            deviceNumbers.Add(new DeviceId(row.GetString(1)), row.GetInt64(0));
        }
    }

    // Device numbers handed out in a transaction that was rolled back would name no row, counts would be too high.
    private void ForgetRolledBack()
    {
        deviceNumbers.Clear();
        LoadDevices();
        bound.Load();
    }

    private int Insert(in StoredFrame frame, SqliteTransaction transaction)
    {
        insert ??= PrepareInsert();
        insert.Transaction = transaction;
        long device = NumberOf(frame.Device, transaction);
        insert.Parameters[0].Value = device;
        insert.Parameters[1].Value = (long)frame.BootId;
        insert.Parameters[2].Value = (long)frame.Sequence;
        insert.Parameters[3].Value = (long)frame.UptimeMs;
        insert.Parameters[4].Value = (long)frame.Purpose;
        insert.Parameters[5].Value = (long)frame.Label;
        insert.Parameters[6].Value = frame.Features.ToArray();
        int added = insert.ExecuteNonQuery();
        if (added > 0)
        {
            bound.Add(device, (long)frame.Purpose, frame.Label);
        }

        return added;
    }

    private SqliteCommand PrepareInsert()
    {
        SqliteCommand command = writer.CreateCommand();
        command.CommandText = "INSERT OR IGNORE INTO frames VALUES ($d, $b, $s, $u, $p, $l, $f)";
        foreach (string name in new[] { "$d", "$b", "$s", "$u", "$p", "$l" })
        {
            command.Parameters.Add(name, SqliteType.Integer);
        }

        command.Parameters.Add("$f", SqliteType.Blob);
        command.Prepare();
        return command;
    }

    private long NumberOf(DeviceId device, SqliteTransaction transaction)
    {
        if (deviceNumbers.TryGetValue(device, out long number))
        {
            return number;
        }

        using SqliteCommand command = writer.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO devices (name) VALUES ($name) RETURNING number";
        command.Parameters.AddWithValue("$name", device.Text);
        number = (long)command.ExecuteScalar()!;
        deviceNumbers.Add(device, number);
        return number;
    }

    private List<T> Query<T>(string sql, (string Name, object Value)[] parameters, Func<SqliteDataReader, T> read)
    {
        lock (readGate)
        {
            try
            {
                using SqliteCommand command = reader.CreateCommand();
                command.CommandText = sql;
                foreach ((string name, object value) in parameters)
                {
                    command.Parameters.AddWithValue(name, value);
                }

                using SqliteDataReader row = command.ExecuteReader();
                var results = new List<T>();
                while (row.Read())
                {
                    results.Add(read(row));
                }

                return results;
            }
            catch (SqliteException e)
            {
                throw new StorageException("read", path, e.Message, e);
            }
        }
    }
}
