/** The person's name as the API server knows it. */
import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";

const Review = z.object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) });

/** Undefined where the server does not say. */
export async function whoAmI(client: KubernetesClient): Promise<string | undefined> {
  try {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    return Review.parse(await client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)).status.userInfo.username;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}
