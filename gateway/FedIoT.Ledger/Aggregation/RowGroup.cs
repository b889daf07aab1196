using System.Runtime.CompilerServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Sorts eight rows column by column, ascending, in registers: four rows a stride apart from the first one, four from
/// the second one. Of each layer of the networks a line.
/// </summary>
internal static class RowGroup<TLanes, TVector, TLane>
    where TLanes : ILanes<TVector, TLane>
    where TVector : struct
    where TLane : unmanaged
{
    /// <summary>Any rows: the 19 exchanges of the smallest network for eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sort(ref TLane first, ref TLane second, nuint stride, int columns)
    {
        for (nuint i = 0; i < (nuint)columns; i += (nuint)TLanes.Count)
        {
            TVector a = TLanes.Load(ref first, i), b = TLanes.Load(ref first, i + stride);
            TVector c = TLanes.Load(ref first, i + (2 * stride)), d = TLanes.Load(ref first, i + (3 * stride));
            TVector e = TLanes.Load(ref second, i), f = TLanes.Load(ref second, i + stride);
            TVector g = TLanes.Load(ref second, i + (2 * stride)), h = TLanes.Load(ref second, i + (3 * stride));
            Order(ref a, ref c); Order(ref b, ref d); Order(ref e, ref g); Order(ref f, ref h);
            Order(ref a, ref e); Order(ref b, ref f); Order(ref c, ref g); Order(ref d, ref h);
            Order(ref a, ref b); Order(ref c, ref d); Order(ref e, ref f); Order(ref g, ref h);
            Order(ref c, ref e); Order(ref d, ref f);
            Order(ref b, ref e); Order(ref d, ref g);
            Order(ref b, ref c); Order(ref d, ref e); Order(ref f, ref g);
            TLanes.Store(a, ref first, i);
            TLanes.Store(b, ref first, i + stride);
            TLanes.Store(c, ref first, i + (2 * stride));
            TLanes.Store(d, ref first, i + (3 * stride));
            TLanes.Store(e, ref second, i);
            TLanes.Store(f, ref second, i + stride);
            TLanes.Store(g, ref second, i + (2 * stride));
            TLanes.Store(h, ref second, i + (3 * stride));
        }
    }

    /// <summary>Two ascending fours: the nine exchanges of an odd-even merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MergeFours(ref TLane first, ref TLane second, nuint stride, int columns)
    {
        for (nuint i = 0; i < (nuint)columns; i += (nuint)TLanes.Count)
        {
            TVector a = TLanes.Load(ref first, i), b = TLanes.Load(ref first, i + stride);
            TVector c = TLanes.Load(ref first, i + (2 * stride)), d = TLanes.Load(ref first, i + (3 * stride));
            TVector e = TLanes.Load(ref second, i), f = TLanes.Load(ref second, i + stride);
            TVector g = TLanes.Load(ref second, i + (2 * stride)), h = TLanes.Load(ref second, i + (3 * stride));
            Order(ref a, ref e); Order(ref b, ref f); Order(ref c, ref g); Order(ref d, ref h);
            Order(ref c, ref e); Order(ref d, ref f);
            Order(ref b, ref c); Order(ref d, ref e); Order(ref f, ref g);
            TLanes.Store(a, ref first, i);
            TLanes.Store(b, ref first, i + stride);
            TLanes.Store(c, ref first, i + (2 * stride));
            TLanes.Store(d, ref first, i + (3 * stride));
            TLanes.Store(e, ref second, i);
            TLanes.Store(f, ref second, i + stride);
            TLanes.Store(g, ref second, i + (2 * stride));
            TLanes.Store(h, ref second, i + (3 * stride));
        }
    }

    /// <summary>Rows that rise, then fall, or the other way round: three layers of half-cleaners.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MergeBitonic(ref TLane first, ref TLane second, nuint stride, int columns)
    {
        for (nuint i = 0; i < (nuint)columns; i += (nuint)TLanes.Count)
        {
            TVector a = TLanes.Load(ref first, i), b = TLanes.Load(ref first, i + stride);
            TVector c = TLanes.Load(ref first, i + (2 * stride)), d = TLanes.Load(ref first, i + (3 * stride));
            TVector e = TLanes.Load(ref second, i), f = TLanes.Load(ref second, i + stride);
            TVector g = TLanes.Load(ref second, i + (2 * stride)), h = TLanes.Load(ref second, i + (3 * stride));
            Order(ref a, ref e); Order(ref b, ref f); Order(ref c, ref g); Order(ref d, ref h);
            Order(ref a, ref c); Order(ref b, ref d); Order(ref e, ref g); Order(ref f, ref h);
            Order(ref a, ref b); Order(ref c, ref d); Order(ref e, ref f); Order(ref g, ref h);
            TLanes.Store(a, ref first, i);
            TLanes.Store(b, ref first, i + stride);
            TLanes.Store(c, ref first, i + (2 * stride));
            TLanes.Store(d, ref first, i + (3 * stride));
            TLanes.Store(e, ref second, i);
            TLanes.Store(f, ref second, i + stride);
            TLanes.Store(g, ref second, i + (2 * stride));
            TLanes.Store(h, ref second, i + (3 * stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Order(ref TVector low, ref TVector high)
    {
        TVector smaller = TLanes.Min(low, high);
        high = TLanes.Max(low, high);
        low = smaller;
    }
}
