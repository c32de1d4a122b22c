// The live list as a query: polled while it is shown, the tab is visible and nobody paused it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ApiError, listAnomalies } from '../api/client';
import type { Anomaly } from '../api/types';
import { appendOlder, type LiveList, mergeNewest } from './live';

export const POLL_MS = 2000;

export function listKey(query: string): readonly unknown[] {
  return ['anomalies', 'list', query];
}

/** How long to wait before the next poll: as the server asks, when it does. */
export function pollInterval(error: unknown, paused: boolean): number | false {
  if (paused) {
    return false;
  }
  if (error instanceof ApiError) {
    // A filter the server refuses will not become right by itself.
    return error.status === 400 || error.status === 422
      ? false
      : (error.retryAfterMs ?? POLL_MS * 2);
  }
  return POLL_MS;
}

export function useAnomalyList(token: string, query: string, paused: boolean) {
  const client = useQueryClient();
  const key = listKey(query);
  const list = useQuery<LiveList>({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const page = await listAnomalies(token, new URLSearchParams(query), signal);
      // Read after the answer came: "load older" may have added rows meanwhile.
      return mergeNewest(client.getQueryData<LiveList>(key), page, Date.now());
    },
    refetchInterval: ({ state }) => pollInterval(state.error, paused),
    refetchOnWindowFocus: !paused,
    refetchOnMount: !paused,
    structuralSharing: false,
  });
  const older = useMutation({
    mutationFn: async (cursor: string) => {
      const params = new URLSearchParams(query);
      params.set('cursor', cursor);
      const page = await listAnomalies(token, params);
      client.setQueryData<LiveList>(key, (known) => known && appendOlder(known, page, cursor));
    },
  });
  return { list, older };
}

/** The rows before (newer) and after (older) an anomaly in a list that was fetched earlier. */
export function neighbours(list: LiveList | undefined, id: string) {
  const items: Anomaly[] = list?.items ?? [];
  const index = items.findIndex((item) => item.anomaly_id === id);
  return {
    newer: index > 0 ? (items[index - 1]?.anomaly_id ?? null) : null,
    older: index >= 0 ? (items[index + 1]?.anomaly_id ?? null) : null,
  };
}
